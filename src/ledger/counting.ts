import type { Clamped } from '../money/price.ts'
import { callsOf, type Quantities, tokensOf } from '../money/quantities.ts'
import type { Unit } from './ledger.ts'

/** What each unit of a limit counts. `spend` is not here, because it counts money. */

export type Counted = Exclude<Unit, 'spend'>

/** Counts quantities in the unit of a limit. */
export const countOf = (unit: Counted, quantities: Quantities): bigint =>
  BigInt(unit === 'tokens' ? tokensOf(quantities) : callsOf(quantities))

/**
 * What a hold counts at a limit without its granted units. If the granted units are calls, the
 * calls among the quantities are counted here.
 */
export const baseCount = (unit: Counted, quantities: Quantities, clamped: Clamped): bigint =>
  unit === 'calls' && clamped === 'call' ? BigInt(quantities.call ?? 0) : countOf(unit, quantities)

/**
 * Whether each granted unit counts as one at the limit. Otherwise granted units do not count there.
 */
export const countsUnits = (unit: Counted, clamped: Clamped): boolean =>
  unit === 'tokens' ? clamped === 'output' : clamped === 'call'

/** What a hold with that many granted units counts at a limit. */
export function countAt(
  unit: Counted,
  { clamped, quantities }: { readonly clamped: Clamped; readonly quantities: Quantities },
  units: number,
): bigint {
  const base = baseCount(unit, quantities, clamped)
  return countsUnits(unit, clamped) ? base + BigInt(units) : base
}
