import type { Clamped } from '../money/price.ts'
import { callsOf, type Quantities, tokensOf } from '../money/quantities.ts'
import type { Unit } from './ledger.ts'

/** Only here does a limit's unit say what is counted. A limit of `spend` counts money instead. */

export type Counted = Exclude<Unit, 'spend'>

/** What quantities are at a limit of that unit. */
export const countOf = (unit: Counted, quantities: Quantities): bigint =>
  BigInt(unit === 'tokens' ? tokensOf(quantities) : callsOf(quantities))

/** What a hold counts as before any of its granted units: calls that are its units are among those. */
export const baseCount = (unit: Counted, quantities: Quantities, clamped: Clamped): bigint =>
  unit === 'calls' && clamped === 'call' ? BigInt(quantities.call ?? 0) : countOf(unit, quantities)

/** Each unit that is granted is one at the limit, or it is none. */
export const countsUnits = (unit: Counted, clamped: Clamped): boolean =>
  unit === 'tokens' ? clamped === 'output' : clamped === 'call'

/** What a hold of that many units is at a limit. */
export function countAt(
  unit: Counted,
  { clamped, quantities }: { readonly clamped: Clamped; readonly quantities: Quantities },
  units: number,
): bigint {
  const base = baseCount(unit, quantities, clamped)
  return countsUnits(unit, clamped) ? base + BigInt(units) : base
}
