import { err, ok, type Result } from '../../floor/result.ts'
import type { World } from '../../floor/world.ts'
import type { UsdPerBtc } from '../../money/parse.ts'
import { formatUsd, type MicroUsd, microUsd } from '../../money/usd.ts'
import type { PaidRequest, PaymentRefused } from '../rail.ts'
import type { X402Network } from './networks.ts'
import type { Address, X402Payment } from './payment.ts'
import { addressOf, wholeOf } from './read.ts'
import type { RecentOffers } from './recent-offers.ts'
import type { OfferedFor, SignedOffers } from './signed-offer.ts'
import { x402Refused } from './words.ts'

/** Where dollars are paid to, and how many are taken. */
export interface X402Terms {
  readonly payTo: Address
  readonly network: X402Network
  /** The most that one payment may be, and that all buyers together may have unspent. */
  readonly maxPayment: MicroUsd
  readonly maxOutstanding: MicroUsd
}

/** A payment that fits to an offer of this gate. Whether it is good is for the facilitator to say. */
export interface Fitting {
  readonly amount: MicroUsd
  /** The rate of its offer. */
  readonly rate: UsdPerBtc
  /** SHA-256 of the random id of its offer, in hex. Null in version 1. */
  readonly offer: string | null
}

interface Against {
  readonly terms: X402Terms
  readonly offers: SignedOffers
  readonly recent: RecentOffers
  readonly world: Pick<World, 'now'>
}

type Fits = Result<Fitting, PaymentRefused>

/** Seconds of validity that facilitators want to be left (the reference libraries). */
const LEFT = 6n
/**
 * Seconds for which a payment may be valid at most. Whether one arrived of which nobody tells is open until
 * then, and counts against `maxOutstanding`: its payer can see to it that nobody tells.
 */
const VALID_AT_MOST = 3_600n

/**
 * Compares a payment with what was offered for this request, and touches nothing. The first that differs
 * is told: network, token, payee, amount, resource, offer, times (threats F4).
 */
export function fitting(payment: X402Payment, call: PaidRequest, against: Against): Fits {
  const { terms, world } = against
  const { accepted, authorization, network } = payment
  const { asset } = terms.network
  if (network !== terms.network.network) return no('x402_network', nameOf(terms.network))
  if (accepted !== null && addressOf(accepted.asset) !== asset) return no('x402_asset', asset)
  const payees = [authorization.to, accepted === null ? terms.payTo : addressOf(accepted.payTo)]
  if (payees.some((payee) => payee !== terms.payTo)) return no('x402_payee', terms.payTo)
  const { validAfter, validBefore, value } = authorization
  if (value < 1n) return no('x402_amount', 'it pays nothing')
  if (value > terms.maxPayment) {
    return no('x402_amount', `at most ${formatUsd(terms.maxPayment)} dollars are taken at once`)
  }
  const offered = accepted === null ? recently(value, against) : echoed(payment, call, against)
  if (!offered.ok) return offered
  const now = BigInt(Math.floor(world.now() / 1000))
  if (validBefore < now + LEFT) return no('x402_expired')
  if (validBefore > now + VALID_AT_MOST) return no('x402_valid_too_long')
  if (validAfter > now) return no('x402_not_yet_valid')
  return offered
}

/** Version 2 sends its offer back. It must be ours, for this request, and of that amount. */
function echoed(
  { accepted, authorization, resource }: X402Payment,
  call: PaidRequest,
  { offers, terms }: Against,
): Fits {
  const { value } = authorization
  if (wholeOf(accepted?.amount) !== value) {
    return no('x402_amount', 'it is not the one of the offer that it sends back')
  }
  const url = resourceOf(call)
  if (resource !== null && resource !== url) return no('x402_resource', url)
  const offer = offers.read(offerIn(accepted), offeredFor(terms, call))
  if (!offer.ok) return no('x402_offer', OFFER_WORDS[offer.error])
  const { amount, id, rate } = offer.value
  if (amount !== value) return no('x402_amount', `${formatUsd(amount)} dollars were offered`)
  return ok({ amount, rate, offer: id })
}

/** Version 1 sends nothing back. An offer was made, and no smaller one: what is lower was asked of nobody. */
function recently(value: bigint, { recent }: Against): Fits {
  const best = recent.best()
  if (best === null) return no('x402_offer', 'nothing was offered for dollars in this time')
  if (value < best.amount) return no('x402_amount', 'it is below every offer')
  return ok({ amount: microUsd(value), rate: best.rate, offer: null })
}

const OFFER_WORDS = {
  other: 'the offer that this payment sends back was not made here for this request',
  late: 'the offer that this payment sends back is too old',
} as const

const no = (...refused: Parameters<typeof x402Refused>): Result<never, PaymentRefused> =>
  err(x402Refused(...refused))

const nameOf = ({ network, title }: X402Network): string => `${title} (${network})`

/** What a client paid for, as the offer named it. */
export const resourceOf = ({ origin, path }: { readonly origin: string; readonly path: string }) =>
  `${origin}${path}`

/** What an offer for a request is bound to. */
export const offeredFor = (
  { network, payTo }: X402Terms,
  { body, method, path }: Pick<PaidRequest, 'body' | 'method' | 'path'>,
): OfferedFor => ({
  ...{ network: network.network, asset: network.asset, payTo },
  ...{ method, path, body: body.hash() },
})

/** The offer that a payment of version 2 sends back, in `accepted.extra.offer`. */
export function offerIn(accepted: X402Payment['accepted']): unknown {
  const extra = accepted?.extra
  return typeof extra === 'object' && extra !== null && 'offer' in extra ? extra.offer : undefined
}

/**
 * The payment as a facilitator gets it and the row keeps it: without anything of the offer that the client
 * sent back. Only the buyer may know its id (threats L1), and the client may have written whatever it likes
 * beside it.
 */
export const withoutOffer = (payment: X402Payment): X402Payment =>
  payment.accepted === null ? payment : { ...payment, accepted: {} }
