import type { World } from '../../floor/world.ts'
import type { Outgoing, PaymentName, PaymentOrder, PaymentState } from '../outgoing.ts'
import { payOnce } from '../pay-once.ts'
import { WalletUnreachable } from '../wallet.ts'
import { complaint, type Json, type LndAnswer, messageOf, NOT_LND } from './answers.ts'
import type { LndRest } from './rest.ts'

/**
 * Seconds in which lnd looks for a way to pay. We do not wait that long: the payment goes on without
 * us, and is found later.
 */
const TRIES_FOR_S = 60
/** ms that we wait for the end of a payment. */
const WAIT_MS = 8_000
/** The most blocks that a route may lock our sats for, those of its receiver included. */
const CLTV_LIMIT = 1_000

/**
 * Payments by an lnd whose macaroon allows `offchain:write` and `offchain:read`. lnd refuses to pay a
 * hash twice. It cannot keep an id of ours, so it has no list of our payments.
 */
export function lndOutgoing(rest: LndRest, world: Pick<World, 'now'>): Outgoing {
  const raw = {
    find: (payment: PaymentName) => find(rest, payment),
    send: (order: PaymentOrder) => send(rest, order),
  }
  return { ...payOnce(raw, world), list: null }
}

/**
 * Whether the macaroon may pay and look payments up. lnd checks the permission before it reads the
 * request, and an empty request pays nothing (0.18).
 */
export async function mayPay(rest: LndRest): Promise<boolean> {
  const sending = await rest.ask('/v2/router/send', {})
  if (!/timeout_seconds/.test(messageOf(sending))) return false
  const tracking = await rest.first(track('00'.repeat(32)))
  return NEVER_TRIED.test(messageOf(tracking))
}

const NEVER_TRIED = /payment isn't initiated/

/** The 43 letters of 32 bytes, and the sign that fills them up, without which lnd does not read them. */
const track = (paymentHash: string): string =>
  `/v2/router/track/${Buffer.from(paymentHash, 'hex').toString('base64url')}=`

/**
 * The state of a payment, from the first message of its stream, which comes at once. While it is in
 * flight its preimage is 64 zeros.
 */
async function find(rest: LndRest, { paymentHash }: PaymentName): Promise<PaymentState> {
  const answer = await rest.first(track(paymentHash))
  if (NEVER_TRIED.test(messageOf(answer))) return { is: 'unknown' }
  return outcome(answer, paymentHash)
}

async function send(rest: LndRest, order: PaymentOrder): Promise<PaymentState | 'in_doubt'> {
  const request = {
    payment_request: order.bolt11,
    timeout_seconds: TRIES_FOR_S,
    fee_limit_msat: String(order.maxFeeMsat),
    cltv_limit: CLTV_LIMIT,
    // Only the end of the payment is sent.
    no_inflight_updates: true,
  }
  const how = { waitMs: WAIT_MS, again: false }
  const answer = await rest.ask('/v2/router/send', request, how).catch(inDoubt)
  if (answer === 'in_doubt') return answer
  const known = await state(rest, order, answer).catch(inDoubt)
  // lnd writes a payment down before it tries it. So if it answered and does not know the payment,
  // it refused to begin.
  return known !== 'in_doubt' && known.is === 'unknown' ? refusal(answer) : known
}

async function state(rest: LndRest, order: PaymentOrder, answer: LndAnswer): Promise<PaymentState> {
  return answer.status === 200 ? outcome(answer, order.paymentHash) : await find(rest, order)
}

function inDoubt(error: unknown): 'in_doubt' {
  if (error instanceof WalletUnreachable) return 'in_doubt'
  throw error
}

function outcome(answer: LndAnswer, paymentHash: string): PaymentState {
  if (answer.status !== 200) throw complaint(answer)
  const { result } = answer.body
  if (typeof result !== 'object' || result === null) throw NOT_LND()
  const payment: Json = { ...result }
  if (payment.payment_hash !== paymentHash) throw NOT_LND()
  switch (payment.status) {
    case 'SUCCEEDED':
      return { is: 'paid', feeMsat: feeIn(payment) }
    case 'FAILED':
      return failed(REASONS.get(String(payment.failure_reason)) ?? NO_WAY)
    case 'IN_FLIGHT':
    case 'INITIATED':
      return { is: 'pending' }
    default:
      throw NOT_LND()
  }
}

function feeIn({ fee_msat }: Json): bigint {
  if (typeof fee_msat !== 'string' || !/^\d+$/.test(fee_msat)) throw NOT_LND()
  return BigInt(fee_msat)
}

const failed = (reason: string): PaymentState => ({ is: 'failed', reason })

const NO_WAY = 'the Lightning node found no way to pay it'

const REASONS: ReadonlyMap<string, string> = new Map([
  ['FAILURE_REASON_TIMEOUT', 'the Lightning node found no way to pay it in time'],
  ['FAILURE_REASON_NO_ROUTE', 'the Lightning node found no way to pay it for that fee'],
  ['FAILURE_REASON_INCORRECT_PAYMENT_DETAILS', 'its receiver does not take it'],
  ['FAILURE_REASON_INSUFFICIENT_BALANCE', 'the Lightning node cannot send that much now'],
  ['FAILURE_REASON_CANCELED', 'the operator canceled it at the Lightning node'],
])

/** Why lnd did not begin a payment. Throws if that is about the node and not about the payment. */
function refusal(answer: LndAnswer): PaymentState {
  const words = messageOf(answer)
  const known = REFUSALS.find(([pattern]) => pattern.test(words))
  if (known !== undefined) return failed(known[1])
  throw complaint(answer)
}

const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [/self-payments not allowed/, 'it is an invoice of the wallet that should pay it'],
  [/invoice expired/, 'the invoice has expired'],
  [
    /features?|invalid|unknown|cltv|exceeds|not valid|must /i,
    'the Lightning node cannot pay such an invoice',
  ],
]
