import { createHash } from 'node:crypto'
import { Cache } from '../../floor/cache.ts'
import type { World } from '../../floor/world.ts'
import { objectIn } from '../../outbound/ask-json.ts'
import { readBolt11 } from '../bolt11.ts'
import { mayHaveArrived } from '../node-rest.ts'
import type {
  ListedPayment,
  Outgoing,
  PaymentName,
  PaymentOrder,
  PaymentState,
} from '../outgoing.ts'
import { payOnce } from '../pay-once.ts'
import { WalletRefused, WalletUnreachable } from '../wallet.ts'
import { type ClnRest, CODE, complaint, indexIn, type Json, msatIn, NOT_CLN } from './rest.ts'
import type { PayMethod } from './rights.ts'

/** ms that a payment is waited for. The method answers when the payment has ended. */
const PAY_MS = 10_000
/** How long the node begins new attempts. */
const RETRY_SECONDS = 30
/**
 * ms after the first attempt after which the node begins no other one. Until then `failed` may stand
 * between two attempts.
 */
const FINAL_MS = (RETRY_SECONDS + 30) * 1000
/** Entries of one page of `listpays`. */
const PAGE = 500

interface Parts {
  readonly rest: ClnRest
  readonly world: Pick<World, 'now'>
  /** Payments whose call answered that they failed, so that no other attempt follows. */
  readonly ended: Cache<true>
}

/**
 * The payments of a Core Lightning node by `pay` (or `xpay`) and `listpays`. Our id is the label of
 * the payment. The node itself refuses to pay a hash that it has paid.
 */
export function clnPayments(rest: ClnRest, method: PayMethod, world: World): Outgoing {
  const parts: Parts = { rest, world, ended: new Cache(1_000) }
  const find = (payment: PaymentName) => findPayment(parts, payment)
  const send = (order: PaymentOrder) => sendPayment(parts, method, order)
  return { ...payOnce({ find, send }, world), list: (since) => listPayments(parts, since) }
}

async function findPayment(parts: Parts, { paymentHash }: PaymentName): Promise<PaymentState> {
  const pays = await paysIn(parts.rest, { payment_hash: paymentHash })
  const its = pays.filter((pay) => pay.payment_hash === paymentHash)
  if (its.length < pays.length) throw NOT_CLN()
  const by = (status: string) => its.find((pay) => pay.status === status)
  const complete = by('complete')
  if (complete !== undefined) return { is: 'paid', feeMsat: feeOf(complete) }
  if (by('pending') !== undefined) return { is: 'pending' }
  if (its.length === 0) return { is: 'unknown' }
  if (its.some((pay) => pay.status !== 'failed')) throw NOT_CLN()
  const begun = Math.max(...its.map((pay) => indexIn(pay.created_at))) * 1000
  const isFinal = parts.ended.get(paymentHash) === true || parts.world.now() > begun + FINAL_MS
  return isFinal ? { is: 'failed', reason: 'the node could not pay it' } : { is: 'pending' }
}

async function paysIn(rest: ClnRest, params: Json): Promise<Json[]> {
  const { pays } = await rest.call('listpays', params)
  if (!Array.isArray(pays)) throw NOT_CLN()
  return pays.map((pay) => objectIn(pay) ?? {})
}

/** In msat: what was sent beyond what the invoice asks for. */
function feeOf({ amount_msat, amount_sent_msat }: Json): bigint {
  const fee = msatIn(amount_sent_msat) - msatIn(amount_msat)
  if (fee < 0n) throw NOT_CLN()
  return fee
}

async function sendPayment(
  parts: Parts,
  method: PayMethod,
  order: PaymentOrder,
): Promise<PaymentState | 'in_doubt'> {
  const { rest, ended } = parts
  const params = {
    [method === 'pay' ? 'bolt11' : 'invstring']: order.bolt11,
    label: order.id,
    maxfee: Number(order.maxFeeMsat),
    retry_for: RETRY_SECONDS,
  }
  ended.delete(order.paymentHash)
  const reply = await rest.ask(method, params, { deadlineMs: PAY_MS, once: true }).catch(readable)
  if (reply === null) return 'in_doubt'
  if (!reply.ok) {
    if (mayHaveArrived(reply.error)) return 'in_doubt'
    throw rest.explained(reply.error)
  }
  if (reply.value.is === 'result') return paidBy(reply.value.body, order)
  const { code } = reply.value
  // The node judges the rune before it sends anything.
  if (RUNE.has(code)) throw complaint(method, reply.value)
  const reason = REASONS.get(code)
  if (reason === undefined) return 'in_doubt'
  ended.set(order.paymentHash, true)
  // Somebody else's payment may have been in the way, and a part may still be on its way.
  const known = await findPayment(parts, order).catch(readable)
  if (known === null) return 'in_doubt'
  return known.is === 'paid' || known.is === 'pending' ? known : { is: 'failed', reason }
}

/** What cannot be read may still have been a payment. */
function readable(error: unknown): null {
  if (error instanceof WalletUnreachable || error instanceof WalletRefused) return null
  throw error
}

function paidBy(body: Json, order: PaymentOrder): PaymentState | 'in_doubt' {
  const { payment_preimage: preimage, status } = body
  if (typeof preimage !== 'string' || (status !== undefined && status !== 'complete')) {
    return 'in_doubt'
  }
  const hash = createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex')
  return hash === order.paymentHash ? { is: 'paid', feeMsat: feeOf(body) } : 'in_doubt'
}

const RUNE: ReadonlySet<number> = new Set([CODE.runeWrong, CODE.runeForbids, CODE.runeBlacklisted])

/** Errors after which nothing more is tried, from `doc/schemas/pay.json` and `xpay.json` (26.06). */
const REASONS: ReadonlyMap<number, string> = new Map([
  [CODE.wrongParameters, 'the node does not take this invoice'],
  [201, 'the node has paid this hash before'],
  [203, 'the receiver refused the payment'],
  [205, 'the node found no route to the receiver'],
  [206, 'every route costs more than this payment may cost'],
  [207, 'the invoice has expired'],
  [209, 'the payment failed'],
  [210, 'no attempt succeeded in time'],
  [215, 'the node does not have enough sats in its channels'],
  [216, 'the receiver cannot be reached'],
  [219, 'the node has paid this hash before'],
  [220, 'the receiver cannot take that amount now'],
])

/**
 * Payments whose label is an id of a gate, by pages in the order in which they were made (24.11). A
 * page may hold a part of a payment, so each of ours is asked for by its hash.
 */
async function listPayments(parts: Parts, since: number): Promise<ListedPayment[]> {
  const found = new Map<string, ListedPayment>()
  for (let start = 1; ; ) {
    const pays = await paysIn(parts.rest, { index: 'created', start, limit: PAGE })
    for (const pay of pays) {
      start = Math.max(start, indexIn(pay.created_index) + 1)
      const { label: id, payment_hash: paymentHash } = pay
      if (typeof id !== 'string' || !id.startsWith('satgate:')) continue
      if (typeof paymentHash !== 'string' || found.has(paymentHash)) continue
      // The node keeps whole seconds.
      if (indexIn(pay.created_at) < Math.floor(since / 1000)) continue
      const state = await findPayment(parts, { id, paymentHash })
      found.set(paymentHash, { id, paymentHash, amountMsat: amountOf(pay), state })
    }
    if (pays.length === 0) return [...found.values()]
  }
}

function amountOf({ bolt11 }: Json): bigint {
  const amount = typeof bolt11 === 'string' ? readBolt11(bolt11)?.amountMsat : null
  if (typeof amount !== 'bigint') throw NOT_CLN()
  return amount
}
