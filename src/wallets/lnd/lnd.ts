import { assert } from '../../floor/assert.ts'
import type { Background } from '../../floor/background.ts'
import type { World } from '../../floor/world.ts'
import type { MoneyKind } from '../../ledger/ledger.ts'
import { fitDescription, moneyOf, payeeOf, readBolt11 } from '../bolt11.ts'
import {
  type Invoice,
  type InvoiceAsk,
  type InvoiceState,
  type Wallet,
  WalletRefused,
  WalletUnreachable,
} from '../wallet.ts'
import { lndAbout } from './about.ts'
import { complaint, type Json, messageOf, NOT_LND } from './answers.ts'
import { lndOutgoing, mayPay } from './outgoing.ts'
import { type LndRest, lndRest } from './rest.ts'
import { watchLnd } from './watch.ts'

export interface LndOptions {
  /** `https://host:8080`. `http:` only on loopback. */
  readonly url: string
  /** The node's invoice.macaroon in hex. */
  readonly macaroonHex: string
  /** The node's tls.cert. Null if a public authority signed its certificate. */
  readonly tlsCertPem: string | null
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

/**
 * Opens an lnd over REST (0.15 and later). An invoice.macaroon does not allow to ask for the
 * network of the node. So one invoice of 1 sat is made that expires after a second: its prefix tells
 * the network, and its signature the key of the node. If the node does not answer, the hint is used; if its first invoice
 * contradicts the hint, that invoice is refused.
 *
 * Throws `WalletRefused` if URL, macaroon or certificate are wrong, `WalletUnreachable` if the node
 * does not answer and there is no hint.
 */
export async function openLndWallet(options: LndOptions): Promise<Wallet> {
  const rest = lndRest({ deadlineMs: 10_000, ...options })
  let learned = await learn(rest, options.moneyHint).catch((error: unknown) => {
    rest.close()
    throw error
  })
  const { money } = learned
  const outgoing = lndOutgoing(rest, options.world)
  const host = new URL(options.url).host
  return {
    kind: 'lnd',
    money,
    label: `lnd at ${host}`,
    get identity() {
      return learned.identity
    },
    get outgoing() {
      return learned.mayPay ? outgoing : undefined
    },
    async createInvoice(ask) {
      const invoice = await makeInvoice(rest, ask)
      const theirs = moneyOf(invoice.bolt11)
      if (theirs !== money) {
        throw new WalletRefused(`its invoices are for ${theirs} money, the ledger keeps ${money}`)
      }
      return invoice
    },
    lookup: (paymentHash) => lookup(rest, paymentHash, options.world),
    watch: (cursor, onSettled) => watchLnd(rest, { cursor, onSettled }, options),
    async probe() {
      await probe(rest)
      if (learned.identity === undefined) learned = { ...(await ask(rest)), money }
    },
    about: () => lndAbout(rest, { mayPay: learned.mayPay }),
    async close() {
      rest.close()
    },
  }
}

interface Learned {
  readonly money: MoneyKind
  /** Undefined as long as the node did not answer. */
  readonly identity: string | undefined
  readonly mayPay: boolean
}

/** Makes an invoice to see the network and the key of the node, and asks what the macaroon may. */
async function ask(rest: LndRest): Promise<Learned> {
  await beActive(rest)
  const memo = 'satgate looks which network this is'
  const { bolt11 } = await makeInvoice(rest, { sat: 1, memo, expirySeconds: 1 })
  return {
    money: moneyOf(bolt11) ?? 'test',
    identity: payeeOf(bolt11) ?? undefined,
    mayPay: await mayPay(rest),
  }
}

async function learn(rest: LndRest, hint: MoneyKind | null): Promise<Learned> {
  try {
    return await ask(rest)
  } catch (error) {
    if (error instanceof WalletUnreachable && hint !== null && hint !== 'play') {
      return { money: hint, identity: undefined, mayPay: false }
    }
    throw error
  }
}

/**
 * Asks for the state of the node. This needs no macaroon, and is answered even while the node is
 * locked or starting.
 */
async function beActive(rest: LndRest): Promise<void> {
  const answer = await rest.ask('/v1/state')
  if (answer.status !== 200) throw complaint(answer)
  const state = text(answer.body, 'state')
  if (state === 'SERVER_ACTIVE') return
  const waiting = WAITING.get(state)
  throw waiting === undefined ? NOT_LND() : new WalletUnreachable(waiting)
}

const WAITING: ReadonlyMap<string, string> = new Map([
  ['NON_EXISTING', 'it has no wallet yet: run lncli create'],
  ['LOCKED', 'its wallet is locked: run lncli unlock'],
  ['UNLOCKED', 'it is starting'],
  ['RPC_ACTIVE', 'it is not synced to its chain yet'],
  ['WAITING_TO_START', 'it waits to start'],
])

/**
 * Sends a request that contradicts itself. lnd checks the permission first, so if it complains
 * about the contradiction, the macaroon may make invoices. No invoice is made.
 */
async function probe(rest: LndRest): Promise<void> {
  await beActive(rest)
  const answer = await rest.ask('/v1/invoices', { value: '1', value_msat: '1000', expiry: '1' })
  if (!/mutual(ly)? exclusive/.test(messageOf(answer))) throw complaint(answer)
}

async function makeInvoice(rest: LndRest, ask: InvoiceAsk): Promise<Invoice> {
  assert(Number.isSafeInteger(ask.sat) && ask.sat > 0, `an invoice of ${ask.sat} sat`)
  const answer = await rest.ask('/v1/invoices', {
    value: String(ask.sat),
    memo: fitDescription(ask.memo),
    expiry: String(ask.expirySeconds),
    // Adds route hints, because otherwise nobody could pay a node that has only unannounced
    // channels.
    private: true,
  })
  if (answer.status !== 200) throw complaint(answer)
  const bolt11 = text(answer.body, 'payment_request')
  const read = readBolt11(bolt11)
  const asked = read?.amountMsat === BigInt(ask.sat) * 1000n
  if (read === null || !asked || read.paymentHash !== hexOf(answer.body, 'r_hash')) {
    throw new WalletRefused('it answered with another invoice than it was asked for')
  }
  return { bolt11, paymentHash: read.paymentHash, expiresAt: read.expiresAt }
}

/** ms after its expiry in which an invoice that lnd still calls open may be paid. */
const LATE_MS = 60_000

/**
 * The state of an invoice. lnd shows us the preimage of an open invoice too, so only the state
 * SETTLED proves a payment.
 */
async function lookup(
  rest: LndRest,
  paymentHash: string,
  world: Pick<World, 'now'>,
): Promise<InvoiceState> {
  if (!/^[0-9a-f]{64}$/.test(paymentHash)) return { is: 'unknown' }
  const answer = await rest.ask(`/v1/invoice/${paymentHash}`)
  if (answer.status !== 200) {
    if (NO_INVOICE.test(messageOf(answer))) return { is: 'unknown' }
    throw complaint(answer)
  }
  const invoice = answer.body
  if (hexOf(invoice, 'r_hash') !== paymentHash) throw NOT_LND()
  switch (invoice.state) {
    case 'SETTLED':
      return {
        is: 'settled',
        preimage: hexOf(invoice, 'r_preimage'),
        receivedMsat: whole(invoice, 'amt_paid_msat'),
      }
    case 'CANCELED':
      return { is: 'dead' }
    // A payment arrived and is held. It will be settled or canceled, even after the expiry.
    case 'ACCEPTED':
      return { is: 'open' }
    case 'OPEN': {
      const expiry = whole(invoice, 'creation_date') + whole(invoice, 'expiry')
      return { is: world.now() < Number(expiry) * 1000 + LATE_MS ? 'open' : 'dead' }
    }
    default:
      throw NOT_LND()
  }
}

/**
 * The second text is the answer (500) of a node that has never made an invoice. A 404 alone proves
 * nothing, because an unknown path is a 404 with code 5 too.
 */
const NO_INVOICE = /unable to locate invoice|there are no existing invoices/

function text(body: Json, name: string): string {
  const value = body[name]
  if (typeof value !== 'string') throw NOT_LND()
  return value
}

/** Turns 32 bytes in base64 into 64 hex digits. */
function hexOf(body: Json, name: string): string {
  const bytes = Buffer.from(text(body, name), 'base64')
  if (bytes.length !== 32) throw NOT_LND()
  return bytes.toString('hex')
}

/** An int64. REST writes it as a string. */
function whole(body: Json, name: string): bigint {
  const digits = text(body, name)
  if (!/^\d+$/.test(digits)) throw NOT_LND()
  return BigInt(digits)
}
