import type { PaymentRefused } from '../rails/rail.ts'
import type { NotAuthenticated } from './authenticate.ts'
import type { Authenticated, Priced } from './call.ts'
import type { NotHeld } from './hold.ts'
import { forbidden, NOT_GOOD } from './not-authenticated.ts'
import { holdRefusal, short } from './not-held.ts'
import type { Payer } from './payer.ts'
import type { Incoming } from './ports.ts'
import { FULL, PENDING, type Refusal, refuse } from './refusal.ts'

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
  /** The code of a payment that is refused, for the field `reason` beside the error. */
  readonly code?: string
  /** This refusal is sent instead of an offer, if it is not null. */
  readonly refusal: Refusal | null
}

export const refused = (refusal: Refusal): Denied => ({ is: 'refused', refusal })

/** A request that presents no good credential. Nothing else is known of it. */
export const unpaidFor = ({ presented }: Incoming, priced: Priced | null): Unpaid => {
  const is = presented.is === 'absent' ? 'absent' : 'not_good'
  return { is, priced, payer: null, reason: null, refusal: null }
}

/** The credential was read, and it does not admit this request. */
export function notAuthenticated(
  incoming: Incoming,
  not: NotAuthenticated,
  priced: Priced | null,
): Denied {
  if (not.why === 'forbidden') return refused(forbidden(incoming, not, priced?.asked.model ?? null))
  if (not.why === 'pending' || not.why === 'unreachable') return refused(PENDING)
  if (not.why === 'payment') return paymentRefused(not.refused, priced)
  return { is: 'not_good', priced, payer: null, reason: NOT_GOOD[not.why], refusal: null }
}

/** Only a payment that was spent is answered with other ways to pay. */
function paymentRefused(
  { status, code, message, retryAfterSeconds: seconds }: PaymentRefused,
  priced: Priced | null,
): Denied {
  if (status !== 402) {
    return refused(refuse(status, code, message, { retryAfterSeconds: seconds ?? null }))
  }
  return { is: 'not_good', priced, payer: null, reason: message, code, refusal: null }
}

/** No slot was free, or the money could not be held. */
export function notHeld(
  call: Authenticated,
  why: NotHeld,
  about: Parameters<typeof holdRefusal>[1],
): Denied {
  if (why.why === 'no_slot') return refused(FULL)
  const reason = why.why === 'insufficient_funds' ? short(why.needed, why.balance) : null
  const { payer } = call
  return { is: 'not_held', priced: call, payer, reason, refusal: holdRefusal(why, about) }
}
