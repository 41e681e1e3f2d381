import { err, ok, type Result } from '../floor/result.ts'
import type { Limit } from '../ledger/ledger.ts'
import { formatSat, type Msat, msat } from '../money/msat.ts'
import { parseDecimal } from '../money/parse.ts'
import { at, ceilingPrice } from '../money/price.ts'
import type { Priced } from './call.ts'
import type { BesideError } from './payment-required.ts'
import type { Incoming } from './ports.ts'
import { type Refusal, refuse } from './refusal.ts'

/**
 * `X-Max-Cost` of a request: the most that its client wants to pay for it, in sats. It bounds the hold
 * as a pass with `spend <= n / req` does (threats J4).
 */

/** A limit needs a meter, and one for each request has no counter. */
const METER = 'max-cost'
/** More than there are bitcoins, in msat. */
const MOST = 2_100_000_000_000_000_000n

const UNREADABLE = refuse(
  400,
  'invalid_value',
  'X-Max-Cost is a number of sats with at most three decimals, for example 2 or 0.5.',
  { param: 'X-Max-Cost' },
)

/** The limit in msat, or null if the client names none. 0 lets only free requests in. */
export function maxCostOf({ maxCost }: Pick<Incoming, 'maxCost'>): Result<Limit | null, Refusal> {
  if (maxCost === null) return ok(null)
  const max = parseDecimal(maxCost, 3)
  if (!max.ok || max.value > MOST) return err(UNREADABLE)
  return ok({ meter: METER, unit: 'spend', window: 'req', max: max.value })
}

export const isMaxCost = (limit: Limit): boolean => limit.meter === METER

/** What the shortest answer to this request may cost, with what its model’s template adds (J4). */
export function leastCost({ asked, estimate, rate }: Priced): Msat {
  const most = { ...asked.most, input: asked.most.input + estimate.template() }
  return at(ceilingPrice(rate, most, 'output'), asked.hasOutput ? asked.choices : 0)
}

/**
 * The refusal of a payment that comes with a request whose prompt alone may cost more than its client
 * wants. It is judged before the payment is taken. Null if the request fits.
 */
export function tooDear(call: Priced, beside: BesideError): Refusal | null {
  const limit = maxCostOf(call.incoming)
  if (!limit.ok || limit.value === null) return null
  const needed = leastCost(call)
  return needed <= limit.value.max ? null : maxCostRefusal(limit.value, needed, beside)
}

/** A 402 without an offer: to pay more would not help. */
export const maxCostRefusal = ({ max }: Limit, needed: Msat, beside: BesideError): Refusal =>
  refuse(
    402,
    'insufficient_quota',
    `X-Max-Cost allows ${formatSat(msat(max))} sat for this request, and its prompt alone may need ${formatSat(needed)} sat. Nothing was charged. Send a shorter prompt, or allow more.`,
    { param: 'X-Max-Cost', extra: { payment_state: 'none', ...beside } },
  )
