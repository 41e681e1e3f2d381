import { createHash } from 'node:crypto'
import { assert } from '../../floor/assert.ts'
import type { Background } from '../../floor/background.ts'
import type { World } from '../../floor/world.ts'
import type { MoneyKind } from '../../ledger/ledger.ts'
import type { WalletAbout } from '../about.ts'
import { fitDescription, moneyOf, readBolt11 } from '../bolt11.ts'
import {
  type Invoice,
  type InvoiceAsk,
  type InvoiceState,
  type Wallet,
  WalletBusy,
  WalletRefused,
  WalletUnreachable,
} from '../wallet.ts'
import { watchList } from '../watch-list.ts'
import { lnbitsOutgoing } from './outgoing.ts'
import { rowIn, rowsOf, stateOf } from './payment.ts'
import { complaint, detailOf, type LnbitsRest, lnbitsRest, NOT_LNBITS } from './rest.ts'
import { listedLnbits } from './watch.ts'

export interface LnbitsOptions {
  /** `https://host`. `http:` only on this machine or in a private network. */
  readonly url: string
  /** The invoice key of the wallet, or its admin key, which may also pay. */
  readonly key: string
  /** PEM. Null: the certificates that this machine trusts. */
  readonly tlsCertPem: string | null
  /**
   * The kind of money of the ledger, so that the gate can start while the server is down. Null for a
   * new ledger.
   */
  readonly moneyHint: MoneyKind | null
  readonly world: World
  readonly background: Background
  /** ms. No call takes longer. */
  readonly deadlineMs?: number
}

/** ms after which a server is asked again that was asked too often. */
const BUSY_MS = 10_000

/** What is learned from the server when it answers for the first time. */
interface Learned {
  readonly money: Exclude<MoneyKind, 'play'>
  /** Hash of the id of the wallet. */
  readonly identity: string | undefined
  /** Whether the key may pay. */
  readonly pays: boolean
}

/**
 * Opens a wallet at an LNbits server (1.0 and later). One invoice of 1 sat is made that expires after
 * a second, and its prefix tells the network. If the server does not answer, the hint is used; if its
 * first invoice contradicts the hint, that invoice is refused.
 *
 * Throws `WalletRefused` if URL or key are wrong, `WalletUnreachable` if the server does not answer
 * and there is no hint.
 */
export async function openLnbitsWallet(options: LnbitsOptions): Promise<Wallet> {
  const rest = lnbitsRest({ deadlineMs: 10_000, ...options })
  const outgoing = lnbitsOutgoing(rest, options.world)
  let learned: Learned
  try {
    learned = await learn(rest, options)
  } catch (error) {
    rest.close()
    throw error
  }
  const { money } = learned
  const host = new URL(options.url).host
  /** An LNbits whose backend is down answers everything else, so then only an invoice proves it. */
  let failed = false

  async function createInvoice(ask: InvoiceAsk): Promise<Invoice> {
    try {
      const { invoice } = await makeInvoice(rest, ask)
      failed = false
      const made = moneyOf(invoice.bolt11)
      if (made === money) return invoice
      throw new WalletRefused(`its invoices are for ${made} money, the ledger keeps ${money}`)
    } catch (error) {
      if (error instanceof WalletUnreachable) failed = true
      throw error
    }
  }

  async function probe(): Promise<void> {
    if (learned.identity === undefined || failed) learned = { ...(await ask(rest)), money }
    else await greet(rest)
    failed = false
  }

  return {
    kind: 'lnbits',
    money,
    get identity() {
      return learned.identity
    },
    label: `lnbits at ${host}`,
    preimageIsPublic: true,
    createInvoice,
    lookup: (paymentHash) => lookup(rest, paymentHash, options.world),
    watch: (cursor, onSettled) => watchList(listedLnbits(rest), { cursor, onSettled }, options),
    probe,
    about: async () => {
      await greet(rest)
      return about(host, learned)
    },
    get outgoing() {
      return learned.pays ? outgoing : undefined
    },
    async close() {
      rest.close()
    },
  }
}

async function learn(rest: LnbitsRest, options: LnbitsOptions): Promise<Learned> {
  const { moneyHint } = options
  try {
    return await ask(rest)
  } catch (error) {
    if (!(error instanceof WalletUnreachable) || moneyHint === null || moneyHint === 'play') {
      throw error
    }
    return { money: moneyHint, identity: undefined, pays: false }
  }
}

/** Makes an invoice to see the network, the id of the wallet, and what the key may. */
async function ask(rest: LnbitsRest): Promise<Learned> {
  const memo = 'satgate looks which network this is'
  const { invoice, walletId } = await makeInvoice(rest, { sat: 1, memo, expirySeconds: 1 })
  const identity = createHash('sha256').update(walletId).digest('hex').slice(0, 32)
  return { money: moneyOf(invoice.bolt11) ?? 'test', identity, pays: await mayPay(rest) }
}

/**
 * Asks to pay no invoice at all. LNbits looks at the key first, so if it misses the invoice, the key
 * may pay. Nothing is paid.
 */
async function mayPay(rest: LnbitsRest): Promise<boolean> {
  const { status } = await rest.ask('payments', { out: true, bolt11: '' })
  return status === 400
}

/** Reads the balance: it needs the key, and makes no invoice. */
async function greet(rest: LnbitsRest): Promise<void> {
  const answer = await rest.ask('wallet')
  if (answer.status !== 200) throw complaint(answer)
  if (typeof answer.body.balance !== 'number') throw NOT_LNBITS()
}

async function makeInvoice(
  rest: LnbitsRest,
  ask: InvoiceAsk,
): Promise<{ readonly invoice: Invoice; readonly walletId: string }> {
  assert(Number.isSafeInteger(ask.sat) && ask.sat > 0, `an invoice of ${ask.sat} sat`)
  const answer = await rest.ask('payments', {
    out: false,
    amount: ask.sat,
    unit: 'sat',
    memo: fitDescription(ask.memo),
    expiry: ask.expirySeconds,
  })
  if (answer.status === 429) throw new WalletBusy(BUSY_MS)
  if (answer.status !== 201) throw complaint(answer)
  const { bolt11, payment_hash, wallet_id } = answer.body
  if (typeof bolt11 !== 'string' || typeof wallet_id !== 'string') throw NOT_LNBITS()
  const read = readBolt11(bolt11)
  const asked = read?.amountMsat === BigInt(ask.sat) * 1000n
  if (read === null || !asked || read.paymentHash !== payment_hash) {
    throw new WalletRefused('it answered with another invoice than it was asked for')
  }
  const { paymentHash, expiresAt } = read
  return { invoice: { bolt11, paymentHash, expiresAt }, walletId: wallet_id }
}

/** The state of an invoice of this wallet. */
async function lookup(
  rest: LnbitsRest,
  paymentHash: string,
  { now }: Pick<World, 'now'>,
): Promise<InvoiceState> {
  if (!/^[0-9a-f]{64}$/.test(paymentHash)) return { is: 'unknown' }
  // This look-up makes LNbits ask its backend, which a list of payments does not.
  const answer = await rest.ask(`payments/${paymentHash}`)
  // It was asked too often, which says nothing about the invoice.
  if (answer.status === 429) return { is: 'open' }
  if (/^Payment does not exist/.test(detailOf(answer.body))) return { is: 'unknown' }
  if (answer.status !== 200) throw complaint(answer)
  const { paid, details, status } = answer.body
  if (typeof paid !== 'boolean') throw NOT_LNBITS()
  // Without a key of the wallet LNbits answers too, for the payments of all its wallets.
  if (details === undefined) throw complaint({ status: 403, body: {} })
  if (!paid && status === undefined) {
    throw new WalletUnreachable('its Lightning backend does not answer')
  }
  const row = rowIn(details)
  if (row.paymentHash !== paymentHash) throw NOT_LNBITS()
  if (row.amountMsat > 0n && paid !== (row.status === 'success')) throw NOT_LNBITS()
  if (row.amountMsat > 0n) return stateOf(row, now())
  // This wallet has paid that hash, so its payment hides its invoice, if it has one.
  const [own] = await rowsOf(rest, { payment_hash: paymentHash, 'amount[gt]': '0', limit: '1' })
  return own?.paymentHash === paymentHash ? stateOf(own, now()) : { is: 'unknown' }
}

const about = (host: string, { pays }: Learned): WalletAbout => ({
  holder: `the server ${host}`,
  inbound: { sat: null, says: 'LNbits does not tell how much its Lightning node can receive' },
  preimage: 'public',
  learns: 'subscription',
  paysOut: pays,
  warnings: pays
    ? ['its key is the admin key, which may spend all of it: the invoice key is enough to sell']
    : [],
})
