import { assert } from '../../floor/assert.ts'
import type { Background } from '../../floor/background.ts'
import type { World } from '../../floor/world.ts'
import type { MoneyKind } from '../../ledger/ledger.ts'
import { objectIn } from '../../outbound/ask-json.ts'
import { moneyOf, readBolt11 } from '../bolt11.ts'
import type { Outgoing } from '../outgoing.ts'
import {
  type Invoice,
  type InvoiceAsk,
  type InvoiceState,
  type Wallet,
  WalletRefused,
  WalletUnreachable,
} from '../wallet.ts'
import { watchList } from '../watch-list.ts'
import { aboutPhoenixd } from './about.ts'
import { NOT_PHOENIXD, type PhoenixdAccess, type PhoenixdApi, phoenixdApi } from './api.ts'
import { incomingIn, stateOf } from './incoming.ts'
import { phoenixdPayments } from './outgoing.ts'
import { listedPhoenixd } from './watch.ts'

export interface PhoenixdOptions extends Omit<PhoenixdAccess, 'deadlineMs'> {
  /**
   * The kind of money of the ledger, so that the gate can start while the node is down. Null for a
   * new ledger.
   */
  readonly moneyHint: MoneyKind | null
  readonly world: World
  readonly background: Background
  /** ms. No call takes longer. */
  readonly deadlineMs?: number
}

/** What is learnt of the node once it answers. */
interface Node {
  readonly id: string
  readonly money: Exclude<MoneyKind, 'play'>
  /** Undefined if the password may not pay. */
  readonly outgoing: Outgoing | undefined
}

/**
 * Opens a phoenixd over its HTTP API (0.8). Its chain says which kind of money it holds. If it does
 * not answer, the hint is used; whether the password may pay is then learnt when it answers again.
 *
 * Throws `WalletRefused` if URL, password or certificate are wrong, `WalletUnreachable` if it does
 * not answer and there is no hint.
 */
export async function openPhoenixdWallet(options: PhoenixdOptions): Promise<Wallet> {
  const { world, moneyHint } = options
  const api = phoenixdApi({ deadlineMs: 10_000, ...options })
  let node: Node | null = await nodeOf(api, world).catch((error: unknown) => {
    const known = error instanceof WalletUnreachable && moneyHint !== null && moneyHint !== 'play'
    if (known) return null
    api.rest.close()
    throw error
  })
  const money = node?.money ?? moneyHint ?? 'test'
  const isPaying = () => node?.outgoing !== undefined
  return {
    kind: 'phoenixd',
    money,
    label: `phoenixd at ${new URL(options.url).host}`,
    get identity() {
      return node?.id
    },
    get outgoing() {
      return node?.outgoing
    },
    async createInvoice(ask) {
      const invoice = await makeInvoice(api, ask)
      const its = moneyOf(invoice.bolt11)
      if (its !== money) {
        throw new WalletRefused(`its invoices are for ${its} money, the ledger keeps ${money}`)
      }
      return invoice
    },
    lookup: (paymentHash) => lookup(api, { paymentHash, money, now: world.now() }),
    watch: (cursor, onSettled) => watchList(listedPhoenixd(api), { cursor, onSettled }, options),
    async probe() {
      await infoOf(api)
      node ??= await nodeOf(api, world)
    },
    about: () => aboutPhoenixd(api, { url: options.url, paysOut: isPaying() }),
    async close() {
      api.rest.close()
    },
  }
}

async function nodeOf(api: PhoenixdApi, world: World): Promise<Node> {
  const { nodeId, chain } = await infoOf(api)
  const outgoing = await phoenixdPayments(api, world)
  return { id: nodeId, money: chain === 'mainnet' ? 'real' : 'test', outgoing }
}

/** `GET /getinfo`, which both passwords may ask. */
async function infoOf(api: PhoenixdApi): Promise<{ nodeId: string; chain: string }> {
  const info = objectIn((await api.get('/getinfo')).json)
  const { nodeId, chain } = info ?? {}
  if (typeof nodeId !== 'string' || typeof chain !== 'string') throw NOT_PHOENIXD()
  return { nodeId, chain }
}

async function makeInvoice(api: PhoenixdApi, ask: InvoiceAsk): Promise<Invoice> {
  assert(Number.isSafeInteger(ask.sat) && ask.sat > 0, `an invoice of ${ask.sat} sat`)
  const { json } = await api.post('/createinvoice', {
    amountSat: String(ask.sat),
    description: shortened(ask.memo),
    expirySeconds: String(ask.expirySeconds),
  })
  const { serialized: bolt11, paymentHash } = objectIn(json) ?? {}
  if (typeof bolt11 !== 'string' || typeof paymentHash !== 'string') throw NOT_PHOENIXD()
  const read = readBolt11(bolt11)
  const asked = read?.amountMsat === BigInt(ask.sat) * 1000n
  if (read === null || !asked || read.paymentHash !== paymentHash) {
    throw new WalletRefused('it answered with another invoice than it was asked for')
  }
  return { bolt11, paymentHash, expiresAt: read.expiresAt }
}

/** phoenixd refuses a longer description. It counts as JavaScript does, in UTF-16. */
const LONGEST_DESCRIPTION = 128

/** Does not cut a character in two. */
const shortened = (text: string): string =>
  text.slice(0, LONGEST_DESCRIPTION).replace(/[\uD800-\uDBFF]$/, '')

async function lookup(
  api: PhoenixdApi,
  asked: { readonly paymentHash: string; readonly money: MoneyKind; readonly now: number },
): Promise<InvoiceState> {
  const { paymentHash } = asked
  if (!/^[0-9a-f]{64}$/.test(paymentHash)) return { is: 'unknown' }
  const answer = await api.get(`/payments/incoming/${paymentHash}`, 404)
  if (answer.status === 200) return stateOf(incomingIn(answer.json), asked)
  // A server that is no phoenixd says 404 too.
  await infoOf(api)
  return { is: 'unknown' }
}
