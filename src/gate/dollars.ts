import type { Msat } from '../money/msat.ts'
import type { UsdPerBtc } from '../money/parse.ts'
import type { DollarPrice } from '../money/pricing.ts'
import { formatUsd, type MicroUsd, msatOf } from '../money/usd.ts'
import type { Payer } from './payer.ts'
import { type Refusal, refuse } from './refusal.ts'

/** What a bitcoin costs now. Null if nobody can say, or the gate takes no dollars. Makes no call. */
export type RateNow = () => UsdPerBtc | null

/** By which rate dollars pay for a request, and its price in dollars if it has one. */
export interface DollarTerms {
  readonly rate: UsdPerBtc
  readonly price: DollarPrice['each'] | null
}

/**
 * How dollars may pay for a request (threats L5). A payment that came with it counts at the rate that
 * its buyer was offered. A price in dollars knows its rate; for one in sats the rate of now is asked.
 * Null if no rate is known.
 */
export function dollarTerms(
  { usd }: { readonly usd: DollarPrice | null },
  { usdRate }: Pick<Payer, 'usdRate'>,
  rateNow: RateNow,
): DollarTerms | null {
  const rate = usdRate ?? usd?.rate ?? rateNow()
  return rate === null ? null : { rate, price: usd?.each ?? null }
}

/** "3 sat and $0.0105": what a pass has, if it has dollars. `all` is the worth of both. */
export function bothBalances(all: Msat, usd: MicroUsd, rate: UsdPerBtc): readonly [bigint, string] {
  const worth = msatOf(usd, rate)
  return [all > worth ? all - worth : 0n, `$${formatUsd(usd)}`]
}

/** Dollars are there, and nobody knows what they are worth in sats. They are not spent, and not lost. */
export const NO_USD_RATE: Refusal = refuse(
  503,
  'usd_rate_unavailable',
  'This pass has dollars, the price is in sats, and there is no current rate between them. Nothing was charged. Do not pay again: send the same request in a minute. Models priced in dollars are served.',
  { retryAfterSeconds: 30, extra: { payment_state: 'pending' } },
)
