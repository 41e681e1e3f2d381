import { sameHex } from '../../passes/keys.ts'
import type { PaidRequest } from '../rail.ts'
import { offerIn } from './check.ts'
import type { X402Payment } from './payment.ts'
import type { X402Row } from './payments.ts'
import { offerIdIn } from './signed-offer.ts'

/**
 * Whether whoever presents a payment knows what only its buyer knows, because everything that was signed
 * stands on the chain (threats L1). Version 2: the random id of its offer. Version 1: the body of the
 * request that it paid for, which must not be empty.
 */
export function isBuyers(
  { body, offer }: Pick<X402Row, 'body' | 'offer'>,
  { accepted }: Pick<X402Payment, 'accepted'>,
  request: PaidRequest['body'] | null,
): boolean {
  if (offer !== null) {
    const presented = offerIdIn(offerIn(accepted))
    return presented !== null && sameHex(presented, offer)
  }
  return request !== null && !request.empty && sameHex(request.hash(), body)
}

/**
 * What somebody gets who presents a payment that this gate knows. `first`: what its first presentation
 * would have got, which nobody has got yet. `pass` and `answer`: see `Receipt.repeat`. `beside`: it buys
 * nothing, and the pass beside it pays. `lost`: nobody knows whether it arrived.
 */
export type Repeated = 'pending' | 'lost' | 'paid' | 'first' | 'pass' | 'answer' | 'beside'

export function repeated(
  { offer, state }: Pick<X402Row, 'offer' | 'state'>,
  how: {
    readonly buyers: boolean
    /** Another request of this process presents it, and gets the first answer. */
    readonly answering: boolean
    /** A pass that can be topped up stands beside it. */
    readonly beside: boolean
  },
): Repeated {
  if (state === 'settling') return 'pending'
  if (state === 'lost') return 'lost'
  if (how.beside && state === 'given') return 'beside'
  if (!how.buyers) return 'paid'
  if (state !== 'given' && !how.answering) return 'first'
  return offer === null ? 'answer' : 'pass'
}
