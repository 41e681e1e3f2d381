const MINUTE = 60_000

/** A bucket that fills evenly. */
export interface Level {
  /** The content at the time `at`, in 60,000ths, so that only whole numbers are needed. */
  readonly left: number
  /** ms by a clock that nobody sets: one that was set back would keep the bucket empty. */
  readonly at: number
}

/**
 * Takes one from a bucket of `size`, which fills evenly within a minute. `keeps` are left to others.
 * Returns the new level, or the ms after which to ask again. No
 * level stands for a full bucket.
 */
export function takeOne(
  level: Level | undefined,
  {
    size,
    keeps = 0,
    now,
  }: { readonly size: number; readonly keeps?: number; readonly now: number },
): Level | { readonly waitMs: number } {
  const full = size * MINUTE
  const left = level === undefined ? full : Math.min(full, level.left + (now - level.at) * size)
  const missing = (1 + keeps) * MINUTE - left
  return missing > 0 ? { waitMs: Math.ceil(missing / size) } : { left: left - MINUTE, at: now }
}
