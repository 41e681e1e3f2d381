import type { Limit, Window } from './ledger.ts'

/**
 * Windows are fixed in UTC. They do not slide and know no summer time, so they are the same for
 * everybody.
 */

const FIXED: Partial<Record<Window, number>> = { min: 60_000, hour: 3_600_000, day: 86_400_000 }

/** When the window that contains `at` began, in ms since the epoch. 0 for `total` and `req`. */
function windowStart(window: Window, at: number): number {
  const length = FIXED[window]
  if (length !== undefined) return Math.floor(at / length) * length
  if (window !== 'month') return 0
  const date = new Date(at)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
}

/**
 * When the window ends, in ms since the epoch; its meter is empty then. Null for `total` and `req`.
 */
export function windowEnd(window: Window, at: number): number | null {
  const length = FIXED[window]
  if (length !== undefined) return windowStart(window, at) + length
  if (window !== 'month') return null
  const date = new Date(at)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
}

/**
 * The key of a limit's counter at that time. Null for `req`, which has no counter. The unit and the
 * window are in the key, so that a counter is never read in another unit.
 */
export function meterKey(limit: Limit, at: number): string | null {
  if (limit.window === 'req') return null
  return `${limit.meter} ${limit.unit}/${limit.window} ${windowStart(limit.window, at)}`
}

/** When the UTC day that contains `at` began. */
export const dayStart = (at: number): number => windowStart('day', at)

/** When the window of a meter ended, by its key. Null if that window never ends. */
export function meterEnd(key: string): number | null {
  const [, window, start] = /\/(min|hour|day|month) (\d+)$/.exec(key) ?? []
  return window === undefined ? null : windowEnd(window as Window, Number(start))
}

/** The UTC day, `2026-11-21`. */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)
