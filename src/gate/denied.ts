import type { NotAuthenticated } from './authenticate.ts'
import type { Authenticated, Priced } from './call.ts'
import type { NotHeld } from './hold.ts'
import { forbidden, NOT_GOOD } from './not-authenticated.ts'
import type { Payer } from './payer.ts'
import { holdRefusal, PENDING, short } from './payment-required.ts'
import type { Incoming } from './ports.ts'
import { FULL, type Refusal } from './refusal.ts'

/** Why a request is not served: in any mode, or because it is not paid for. */
export type Denied = { readonly is: 'refused'; readonly refusal: Refusal } | Unpaid

/** What the mode of a route decides about. */
export interface Unpaid {
  /** No credential; one that is not good; a good one without the credit, or a limit that is full. */
  readonly is: 'absent' | 'not_good' | 'not_held'
  /** Null if the request only asks what it would cost. */
  readonly priced: Priced | null
  readonly payer: Payer | null
  /** The first sentence of the answer. Null: what the request costs. */
  readonly reason: string | null
  /** What is answered instead of an offer. */
  readonly refusal: Refusal | null
}

export const refused = (refusal: Refusal): Denied => ({ is: 'refused', refusal })

/** Nothing is known of the request but that it presents no good credential. */
export const unpaidFor = ({ presented }: Incoming, priced: Priced | null): Unpaid => {
  const is = presented.is === 'absent' ? 'absent' : 'not_good'
  return { is, priced, payer: null, reason: null, refusal: null }
}

/** The credential was read, and does not let this request in. */
export function notAdmitted(
  incoming: Incoming,
  not: NotAuthenticated,
  priced: Priced | null,
): Denied {
  if (not.why === 'forbidden') return refused(forbidden(incoming, not, priced?.asked.model ?? null))
  if (not.why === 'pending' || not.why === 'unreachable') return refused(PENDING)
  return { is: 'not_good', priced, payer: null, reason: NOT_GOOD[not.why], refusal: null }
}

/** Neither a slot nor the money could be had. */
export function notHeld(call: Authenticated, why: NotHeld, now: number): Denied {
  if (why.why === 'no_slot') return refused(FULL)
  const reason = why.why === 'insufficient_funds' ? short(why.needed, why.balance) : null
  const { payer } = call
  return { is: 'not_held', priced: call, payer, reason, refusal: holdRefusal(why, now) }
}
