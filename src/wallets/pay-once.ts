import { assert } from '../floor/assert.ts'
import type { World } from '../floor/world.ts'
import { readBolt11 } from './bolt11.ts'
import type { Outgoing, PaymentName, PaymentOrder, PaymentState } from './outgoing.ts'

/** The calls of one wallet that `payOnce` makes safe to repeat. */
export interface RawPayments {
  /** As `Outgoing.find`: what the wallet says, without what this process knows besides. */
  find(payment: PaymentName): Promise<PaymentState>
  /**
   * Sends an order that the wallet did not know a moment before. `in_doubt`: it was sent, or may have
   * been, and the answer did not come in time. Throws `WalletUnreachable` or `WalletRefused` only if
   * nothing can have been sent.
   */
  send(order: PaymentOrder): Promise<PaymentState | 'in_doubt'>
}

/**
 * ms after a call without an answer in which `unknown` from the wallet proves nothing. The call may
 * still be in a queue: a node that was stopped for a while answers a later look-up before it works
 * on an earlier payment. And a node may try for a minute before it writes down its first attempt.
 */
export const IN_DOUBT_MS = 150_000

/**
 * Makes `pay` and `find` of a wallet from its raw calls, so that a payment is sent at most once: it
 * is looked up first, one call at a time is made for each payment hash, and an order whose call got
 * no answer is pending until the wallet knows it, or is sure not to.
 *
 * The wallet itself must refuse to pay a hash twice. This process cannot see what others do between
 * its look-up and its payment.
 */
export function payOnce(raw: RawPayments, world: Pick<World, 'now'>): Omit<Outgoing, 'list'> {
  const running = new Map<string, Promise<PaymentState>>()
  /** Until when an order is in doubt, in ms since the epoch. */
  const doubts = new Map<string, number>()

  async function find(payment: PaymentName): Promise<PaymentState> {
    // A call that has no answer yet is in doubt too.
    const doubtful = isDoubtful(payment.paymentHash) || running.has(payment.paymentHash)
    const state = await raw.find(payment)
    if (state.is !== 'unknown') {
      doubts.delete(payment.paymentHash)
      return state
    }
    return doubtful ? { is: 'pending' } : state
  }

  function isDoubtful(paymentHash: string): boolean {
    const until = doubts.get(paymentHash)
    if (until === undefined) return false
    if (world.now() < until) return true
    doubts.delete(paymentHash)
    return false
  }

  async function pay(order: PaymentOrder): Promise<PaymentState> {
    const { paymentHash } = order
    if (isDoubtful(paymentHash)) {
      // It may have been sent before, so whatever keeps the wallet from telling is no reason to throw.
      return await find(order).catch((): PaymentState => ({ is: 'pending' }))
    }
    const known = await raw.find(order)
    if (known.is !== 'unknown') return known
    const sent = await raw.send(order)
    if (sent !== 'in_doubt') return sent
    doubts.set(paymentHash, world.now() + IN_DOUBT_MS)
    // The payment was begun, so whatever keeps the wallet from telling is no reason to throw.
    return await find(order).catch((): PaymentState => ({ is: 'pending' }))
  }

  return {
    find,
    pay(order) {
      const { paymentHash } = order
      const read = readBolt11(order.bolt11)
      assert(read?.paymentHash === paymentHash, 'the hash of an order is that of its invoice')
      assert(read.amountMsat === order.amountMsat, 'the amount of an order is that of its invoice')
      const now = running.get(paymentHash)
      if (now !== undefined) return now
      const paying = pay(order).finally(() => running.delete(paymentHash))
      running.set(paymentHash, paying)
      return paying
    },
  }
}
