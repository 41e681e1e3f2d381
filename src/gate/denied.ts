import type { PaymentRefused, UnpaidKey } from '../rails/rail.ts'
import type { Authenticated, Priced } from './call.ts'
import type { NotHeld } from './hold.ts'
import { forbidden, NOT_GOOD, type NotAuthenticated } from './not-authenticated.ts'
import { holdRefusal, short } from './not-held.ts'
import type { Payer } from './payer.ts'
import type { PaymentState } from './payment-state.ts'
import type { Incoming } from './ports.ts'
import { answeredBefore, FULL, PENDING, type Refusal, refuse } from './refusal.ts'

/** Why a request is not served: in any mode, or because it is not paid for. */
export type Denied = { readonly is: 'refused'; readonly refusal: Refusal } | Unpaid

/** A request that is not paid for. The mode of its route decides what happens to it. */
export interface Unpaid {
  /**
   * `absent`: no credential. `not_good`: a credential that is not good. `not_held`: a good one
   * without enough credit, or with a full limit.
   */
  readonly is: 'absent' | 'not_good' | 'not_held'
  /** Null if the request only asks what it would cost. */
  readonly priced: Priced | null
  readonly payer: Payer | null
  /**
   * The first sentence of the answer. If it is null, the answer begins with the price of the
   * request.
   */
  readonly reason: string | null
  readonly state: PaymentState
  /** The key of the request, if its invoice is not paid. */
  readonly unpaid: UnpaidKey | null
  /** Set if a payment is refused by its rail, which has more to say than the reason. */
  readonly payment?: PaymentRefused
  /** This refusal is sent instead of an offer, if it is not null. */
  readonly refusal: Refusal | null
}

export const refused = (refusal: Refusal): Denied => ({ is: 'refused', refusal })

/** A request that presents no good credential. Nothing else is known of it. */
export const unpaidFor = ({ presented }: Incoming, priced: Priced | null): Unpaid => {
  const nobody = { priced, payer: null, reason: null, unpaid: null, refusal: null } as const
  switch (presented.is) {
    case 'malformed':
      return { ...nobody, is: 'not_good', state: 'damaged' }
    // One that was paid for got a 400 before.
    case 'damaged': {
      const { macaroon, pass } = presented
      const unpaid = { hash: pass.hash, macaroon, bare: pass.scope.is === 'root' }
      return { ...nobody, is: 'not_good', state: 'unpaid', unpaid }
    }
    default: {
      const is = presented.is === 'absent' ? 'absent' : 'not_good'
      return { ...nobody, is, state: 'none' }
    }
  }
}

/** The credential was read, and it does not admit this request. */
export function notAuthenticated(
  incoming: Incoming,
  not: NotAuthenticated,
  priced: Priced | null,
): Denied {
  if (not.why === 'forbidden') return refused(forbidden(incoming, not, priced?.asked.model ?? null))
  if (not.why === 'pending' || not.why === 'unreachable') return refused(PENDING)
  if (not.why === 'answered') return refused(answeredBefore(not.stored))
  if (not.why === 'payment') return paymentRefused(not.refused, priced)
  const unpaid = 'key' in not ? not.key : null
  return { is: 'not_good', priced, payer: null, ...NOT_GOOD[not.why], unpaid, refusal: null }
}

/** Only a payment that was spent is answered with other ways to pay. */
function paymentRefused(payment: PaymentRefused, priced: Priced | null): Denied {
  const { status, code, message, soon, retryAfterSeconds: seconds } = payment
  if (status !== 402) {
    const pending = soon === true ? { payment_state: 'pending' } : {}
    const said = { headers: payment.headers ?? {}, extra: { ...pending, ...payment.fields } }
    return refused(refuse(status, code, message, { retryAfterSeconds: seconds ?? null, ...said }))
  }
  const nobody = { priced, payer: null, unpaid: null, refusal: null } as const
  return { ...nobody, is: 'not_good', reason: message, state: 'elsewhere', payment }
}

/** No slot was free, or the money could not be held. */
export function notHeld(
  call: Authenticated,
  why: NotHeld,
  about: Parameters<typeof holdRefusal>[1] & { readonly has?: string },
): Denied {
  if (why.why === 'no_slot') return refused(FULL)
  const reason = why.why === 'insufficient_funds' ? short(why.needed, why.balance, about.has) : null
  return { ...refusedFor(call, holdRefusal(why, about)), reason }
}

/** A request of a good payer whose money is not held. `refusal`: as `Unpaid` has it. */
export const refusedFor = (call: Authenticated, refusal: Refusal | null): Unpaid => ({
  ...{ is: 'not_held', priced: call, payer: call.payer, reason: null, state: 'used_up' },
  ...{ unpaid: null, refusal },
})
