import { createHash } from 'node:crypto'
import type { MoneyKind } from '../../ledger/ledger.ts'
import { objectIn } from '../../outbound/ask-json.ts'
import { moneyOf, readBolt11 } from '../bolt11.ts'
import { type InvoiceState, WalletUnreachable } from '../wallet.ts'
import { NOT_PHOENIXD } from './api.ts'

/** An `incoming_payment` of phoenixd 0.8.0 for an invoice. */
export interface Incoming {
  readonly paymentHash: string
  /** phoenixd shows it before the payment too, so it proves nothing. */
  readonly preimage: string
  readonly invoice: string
  readonly isPaid: boolean
  readonly requestedSat: number
  /** What is left after phoenixd's own fees. It can be less than nothing. */
  readonly receivedSat: number
  /** msat that phoenixd took for a channel: mining and service fees. */
  readonly feesMsat: number
  /** ms since the epoch. Null while it is not paid. */
  readonly completedAt: number | null
  readonly expiresAt: number | null
}

/** Reads the answer to a look-up. Throws `WalletUnreachable` if phoenixd does not answer like that. */
export function incomingIn(json: unknown): Incoming {
  const found = objectIn(json)
  if (found === null) throw NOT_PHOENIXD()
  const { paymentHash, preimage, invoice, isPaid } = found
  if (typeof paymentHash !== 'string' || typeof preimage !== 'string') throw NOT_PHOENIXD()
  if (typeof invoice !== 'string' || typeof isPaid !== 'boolean') throw NOT_PHOENIXD()
  return {
    ...{ paymentHash, preimage, invoice, isPaid },
    requestedSat: whole(found.requestedSat),
    receivedSat: whole(found.receivedSat),
    feesMsat: whole(found.fees),
    completedAt: timeIn(found.completedAt),
    expiresAt: timeIn(found.expiresAt),
  }
}

export function whole(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw NOT_PHOENIXD()
  return value
}

/** Null for what is left out. */
export function timeIn(value: unknown): number | null {
  const time = value === undefined || value === null ? 0 : whole(value)
  return time > 0 ? time : null
}

/**
 * ms after its expiry in which an invoice may still become paid: phoenixd may be opening a channel
 * for a payment that came in time.
 */
const LATE_MS = 30_000

/**
 * The state of the invoice with that hash. Only `isPaid` with `completedAt` is a payment. An answer
 * that contradicts itself, its invoice or the question is an error, and credits nothing.
 */
export function stateOf(
  incoming: Incoming,
  asked: { readonly paymentHash: string; readonly money: MoneyKind; readonly now: number },
): InvoiceState {
  const bolt11 = readBolt11(incoming.invoice)
  if (incoming.paymentHash !== asked.paymentHash || bolt11?.paymentHash !== asked.paymentHash) {
    throw new WalletUnreachable('it answered about another invoice than it was asked about')
  }
  if (bolt11.amountMsat !== BigInt(incoming.requestedSat) * 1000n) throw OTHER_AMOUNT()
  if (moneyOf(incoming.invoice) !== asked.money) {
    throw new WalletUnreachable('it answered with an invoice of another network')
  }
  if (!incoming.isPaid || incoming.completedAt === null) {
    const dies = (incoming.expiresAt ?? bolt11.expiresAt) + LATE_MS
    return { is: asked.now < dies ? 'open' : 'dead' }
  }
  const receivedMsat = received(incoming)
  if (receivedMsat <= 0n) return { is: 'open' }
  const proof = createHash('sha256').update(Buffer.from(incoming.preimage, 'hex')).digest('hex')
  if (proof !== asked.paymentHash) throw NOT_PHOENIXD()
  return { is: 'settled', preimage: incoming.preimage, receivedMsat }
}

/**
 * What the buyer paid, in msat. phoenixd takes the fees of a new or larger channel out of the payment
 * that needed it. The channel is the operator's, so the operator bears them: they are added again,
 * up to what was asked for. Without that, the buyer whose payment opened the channel would have paid
 * in full and got little or nothing. What is missing beyond those fees was not received.
 */
function received({ requestedSat, receivedSat, feesMsat }: Incoming): bigint {
  const asked = BigInt(requestedSat) * 1000n
  const kept = BigInt(receivedSat) * 1000n
  // Nobody can pay more than twice (BOLT 4), so this figure is in another unit.
  if (kept > asked * 2n || feesMsat < 0) throw OTHER_AMOUNT()
  if (kept >= asked) return kept
  const paid = kept + BigInt(feesMsat)
  return paid < asked ? paid : asked
}

const OTHER_AMOUNT = () =>
  new WalletUnreachable(
    'it tells of other amounts than its invoice asks for: is this phoenixd 0.8?',
  )
