import type { OfferRefused } from '../rails/rail.ts'
import { NO_DOLLARS } from './no-dollars.ts'
import { type Refusal, refuse } from './refusal.ts'

/** Why a rail makes no offer. `failed`: it threw. */
export interface NotOffered {
  readonly rail: string
  readonly refused: OfferRefused | { readonly why: 'failed' }
}

/** No offer can be made, because the wallet does not answer. Buyers with credit are served. */
const WALLET_DOWN: Refusal = refuse(
  503,
  'wallet_unreachable',
  'No payment can be taken at the moment: the wallet does not answer. Passes with credit are served. Try again in some seconds.',
  { retryAfterSeconds: 5 },
)

/**
 * The refusal if no invoice can be made: the wallet is down, the quota is full, or the wallet makes
 * only so many a minute (I10).
 */
export function noOffer(refused: OfferRefused): Refusal {
  if (refused.why === 'wallet_unreachable' || refused.why === 'nothing') return WALLET_DOWN
  if (refused.why === 'amount_refused') return amountRefused(refused)
  if (!('retryAfterSeconds' in refused)) return NO_DOLLARS[refused.why]
  const { retryAfterSeconds } = refused
  if (refused.why === 'too_many_open') {
    const message = 'Too many unpaid invoices are open. Pay one of them, or wait until they expire.'
    return refuse(429, 'too_many_invoices', message, { retryAfterSeconds })
  }
  const message = 'Too many invoices are being asked for. Try again in some seconds.'
  return refuse(503, 'invoices_busy', message, { retryAfterSeconds })
}

/**
 * The refusal if no rail makes an offer. The first rail that was asked says it. If there are several,
 * it also names what is wrong with each of them, in its message and in the field `rails`.
 */
export function noOffers(not: readonly NotOffered[]): Refusal {
  const reasons = not.flatMap(({ refused }) => (refused.why === 'failed' ? [] : [refused]))
  const refusal = noOffer(reasons.find(({ why }) => why !== 'nothing') ?? { why: 'nothing' })
  if (not.length < 2) return refusal
  const rails = Object.fromEntries(not.map(({ rail, refused }) => [rail, refused.why]))
  const each = not.map(({ rail, refused }) => `${rail}: ${WORDS[refused.why]}`).join('; ')
  const message = `${refusal.message} No rail takes payments: ${each}.`
  return { ...refusal, message, extra: { ...refusal.extra, rails } }
}

const WORDS: Readonly<Record<NotOffered['refused']['why'], string>> = {
  nothing: 'it takes none now',
  failed: 'it failed',
  facilitator_unreachable: 'its facilitator does not answer',
  rate_unavailable: 'nobody can say what a bitcoin costs in dollars',
  dollars_full: 'buyers have as many dollars here as the operator keeps for them',
  too_many_open: 'too many of its invoices are open',
  wallet_unreachable: 'what takes its payments does not answer',
  wallet_busy: 'it is asked for too many invoices',
  amount_refused: 'it does not take that amount',
}

/** The client asks for the offer of a rail that is not on. Nothing was made for it. */
export const noSuchRail = (on: readonly string[]): Refusal =>
  refuse(
    400,
    'unknown_rail',
    `This gate takes no payment by the rail that the query names. ${on.length === 1 ? 'It has one' : 'It has these'}: ${on.join(', ')}. Without ?rail= all of them are offered.`,
    { param: 'rail' },
  )

/** The wallet makes invoices, but not of that amount. */
function amountRefused({ least, most }: { least: number | null; most: number | null }): Refusal {
  const bounds = [
    ...(least === null ? [] : [`from ${least} sat`]),
    ...(most === null ? [] : [`up to ${most} sat`]),
  ]
  const said = bounds.length === 0 ? 'of other amounts' : bounds.join(' ')
  return refuse(400, 'amount_refused', `No invoice of that amount: this gate makes them ${said}.`)
}
