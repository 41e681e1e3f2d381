import { assert } from '../../floor/assert.ts'
import type { Background } from '../../floor/background.ts'
import { Cache } from '../../floor/cache.ts'
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
import { explained, invoiceStateOf, NOT_NWC, transactionIn } from './answers.ts'
import { type Json, type NwcClient, NwcError, nwcClient } from './client.ts'
import { type Connection, readConnection } from './connection.ts'
import { nwcOutgoing } from './outgoing.ts'
import { listenersOf } from './watch.ts'

export interface NwcOptions {
  /** `nostr+walletconnect://…`, as the wallet shows it. It is a secret. */
  readonly connection: string
  /**
   * The kind of money of the ledger, so that the gate can start while the wallet is away. Null for a
   * new ledger.
   */
  readonly moneyHint: MoneyKind | null
  readonly world: World
  readonly background: Background
  /** ms. No call takes longer. */
  readonly deadlineMs?: number
}

/** What the wallet tells of this connection. */
interface Told {
  /** The methods that it may use. Null if the wallet does not tell. */
  readonly methods: readonly string[] | null
  readonly network: string | null
}

/** ms after which a wallet is asked again that was asked too often. */
const BUSY_MS = 10_000
const DEADLINE_MS = 10_000
/** So many amounts of invoices are remembered. */
const ASKED = 10_000

/**
 * Opens a wallet by Nostr Wallet Connect (NIP-47). A connection that may make and look up invoices is
 * enough. If the wallet does not say which network it is on, one invoice of 1 sat is made that
 * expires after a second, and its prefix tells. If nobody answers, the hint is used; if the first
 * invoice contradicts the hint, that invoice is refused.
 *
 * Throws `WalletRefused` if the connection string is wrong or the connection may not make invoices,
 * `WalletUnreachable` if nobody answers and there is no hint.
 */
export async function openNwcWallet(options: NwcOptions): Promise<Wallet> {
  const connection = readConnection(options.connection)
  const { world, background, deadlineMs = DEADLINE_MS } = options
  const listeners = listenersOf(world, background)
  const client = nwcClient({ connection, world, deadlineMs, ...listeners.hears })
  const pays = nwcOutgoing(client, { world, deadlineMs })
  let learned: Learned
  try {
    learned = await learn(client, options)
  } catch (error) {
    client.close()
    throw error
  }
  const { money } = learned
  let { told } = learned
  /** A wallet whose node is down answers everything else, so then only an invoice proves it. */
  let failed = false
  /** The msat that invoices of this process ask for, by their hash. */
  const asked = new Cache<bigint>(ASKED)

  async function createInvoice(ask: InvoiceAsk): Promise<Invoice> {
    try {
      const invoice = await makeInvoice(client, ask)
      failed = false
      asked.set(invoice.paymentHash, BigInt(ask.sat) * 1000n)
      const made = moneyOf(invoice.bolt11)
      if (made === money) return invoice
      throw new WalletRefused(`its invoices are for ${made} money, the ledger keeps ${money}`)
    } catch (error) {
      if (error instanceof WalletUnreachable) failed = true
      throw error
    }
  }

  return {
    kind: 'nwc',
    money,
    identity: connection.wallet,
    get label() {
      return labelOf(connection, mayPay(told))
    },
    createInvoice,
    lookup: (hash) => lookup(client, { hash, askedMsat: asked.get(hash) ?? null }, world),
    watch: (cursor, onSettled) => listeners.watch(client, cursor, onSettled),
    async probe() {
      told = await ask(client)
      if (failed) await makeInvoice(client, SMALL)
      failed = false
    },
    async about() {
      told = await ask(client)
      return about(told)
    },
    get outgoing() {
      return mayPay(told) ? pays : undefined
    },
    async close() {
      client.close()
    },
  }
}

const SMALL: InvoiceAsk = {
  sat: 1,
  memo: 'satgate looks whether invoices are made',
  expirySeconds: 1,
}

interface Learned {
  readonly money: Exclude<MoneyKind, 'play'>
  readonly told: Told
}

async function learn(client: NwcClient, { moneyHint }: NwcOptions): Promise<Learned> {
  try {
    const told = await ask(client)
    if (told.network !== null) return { money: moneyOn(told.network), told }
    const { bolt11 } = await makeInvoice(client, SMALL)
    return { money: moneyOf(bolt11) ?? 'test', told }
  } catch (error) {
    if (!(error instanceof WalletUnreachable) || moneyHint === null || moneyHint === 'play') {
      throw error
    }
    return { money: moneyHint, told: { methods: null, network: null } }
  }
}

const NEEDED = ['make_invoice', 'lookup_invoice']

/** Asks what the connection may do, and which network the wallet is on. Makes no invoice. */
async function ask(client: NwcClient): Promise<Told> {
  const info = await call(client, 'get_info', {}).catch(ifRestricted)
  const methods = Array.isArray(info.methods) ? info.methods.map(String) : null
  for (const method of NEEDED) {
    if (methods?.includes(method) === false) throw explained(method, new NwcError('RESTRICTED'))
  }
  const { network } = info
  return { methods, network: typeof network === 'string' && network !== '' ? network : null }
}

const mayPay = ({ methods }: Told): boolean => methods?.includes('pay_invoice') === true

const moneyOn = (network: string) => (/^(?:mainnet|bitcoin)$/.test(network) ? 'real' : 'test')

/** A connection may be allowed to sell, and not to read about the wallet. */
function ifRestricted(error: unknown): Json {
  if (error instanceof WalletRefused && /get_info/.test(error.reason)) return {}
  throw error
}

async function call(client: NwcClient, method: string, params: Json): Promise<Json> {
  try {
    return await client.request(method, params)
  } catch (error) {
    throw explained(method, error)
  }
}

async function makeInvoice(client: NwcClient, ask: InvoiceAsk): Promise<Invoice> {
  assert(Number.isSafeInteger(ask.sat) && ask.sat > 0, `an invoice of ${ask.sat} sat`)
  const { sat, expirySeconds: expiry } = ask
  const params = { amount: sat * 1000, description: fitDescription(ask.memo), expiry }
  let made: Json
  try {
    made = await client.request('make_invoice', params)
  } catch (error) {
    if (error instanceof NwcError && error.code === 'RATE_LIMITED') throw new WalletBusy(BUSY_MS)
    throw explained('make_invoice', error)
  }
  if (typeof made.invoice !== 'string') throw NOT_NWC()
  const bolt11 = made.invoice.toLowerCase()
  const read = readBolt11(bolt11)
  const named = made.payment_hash ?? read?.paymentHash
  if (read?.amountMsat !== BigInt(sat) * 1000n || read.paymentHash !== named) {
    throw new WalletRefused('it answered with another invoice than it was asked for')
  }
  return { bolt11, paymentHash: read.paymentHash, expiresAt: read.expiresAt }
}

/** The state of an invoice of this wallet. Only its word that it is settled counts. */
async function lookup(
  client: NwcClient,
  { hash, askedMsat }: { readonly hash: string; readonly askedMsat: bigint | null },
  { now }: Pick<World, 'now'>,
): Promise<InvoiceState> {
  if (!/^[0-9a-f]{64}$/.test(hash)) return { is: 'unknown' }
  try {
    const found = transactionIn(await client.request('lookup_invoice', { payment_hash: hash }))
    if (found.paymentHash !== hash) throw NOT_NWC()
    if (found.direction === 'outgoing') return { is: 'unknown' }
    return invoiceStateOf(found, now(), askedMsat)
  } catch (error) {
    if (error instanceof NwcError && error.code === 'NOT_FOUND') return { is: 'unknown' }
    // It was asked too often, which says nothing about the invoice.
    if (error instanceof NwcError && error.code === 'RATE_LIMITED') return { is: 'open' }
    throw explained('lookup_invoice', error)
  }
}

function labelOf({ relays }: Connection, pays: boolean): string {
  const [first = ''] = relays
  const more = relays.length > 1 ? ` and ${relays.length - 1} more` : ''
  return `nwc by ${new URL(first).host}${more}${pays ? ', may pay' : ''}`.slice(0, 100)
}

const MAY_PAY =
  'this connection may also pay, which the gate needs only to pay buyers back: one that may make and look up invoices is enough to sell'
const NO_LIST =
  'this connection may not list transactions, so what was paid while the gate was down is found only by looking up each invoice'

const about = (told: Told): WalletAbout => ({
  holder: 'whoever runs the wallet that made the connection',
  inbound: { sat: null, says: 'a connection does not tell how much the wallet can receive' },
  preimage: 'payer',
  learns: 'subscription',
  paysOut: mayPay(told),
  warnings: [
    ...(mayPay(told) ? [MAY_PAY] : []),
    ...(told.methods?.includes('list_transactions') === false ? [NO_LIST] : []),
  ],
})
