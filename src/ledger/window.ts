import type { Limit, Window } from './ledger.ts'

/** Windows are fixed in UTC: no summer time, no sliding, the same for every reader. */

const FIXED: Partial<Record<Window, number>> = { min: 60_000, hour: 3_600_000, day: 86_400_000 }

/** When the window that holds `at` began, ms since the epoch. 0 for `total` and `req`. */
function windowStart(window: Window, at: number): number {
  const length = FIXED[window]
  if (length !== undefined) return Math.floor(at / length) * length
  if (window !== 'month') return 0
  const date = new Date(at)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
}

/** When it ends and its meter is empty again, ms since the epoch. Null for `total` and `req`. */
export function windowEnd(window: Window, at: number): number | null {
  const length = FIXED[window]
  if (length !== undefined) return windowStart(window, at) + length
  if (window !== 'month') return null
  const date = new Date(at)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
}

/**
 * Names a limit's counter at that time. Null for `req`, which counts nothing. The unit and the
 * window are part of the name, so that a counter is never read in another unit.
 */
export function meterKey(limit: Limit, at: number): string | null {
  if (limit.window === 'req') return null
  return `${limit.meter} ${limit.unit}/${limit.window} ${windowStart(limit.window, at)}`
}

/** The UTC day, `2026-11-21`. */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)
