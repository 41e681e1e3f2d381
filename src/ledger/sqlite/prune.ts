import { type Place, STEP } from './prune-steps.ts'
import type { Steps } from './steps.ts'

/**
 * Removes holds that were released before that time from the books (ADR 25). A hold is removed only
 * if its postings cancel each other in every drawer, so the totals do not change. A hold whose
 * postings do not cancel stays, and `verify` reports it. Returns how many holds it removed.
 */
export async function prune(steps: Steps, before: number): Promise<number> {
  let pruned = 0
  // Some of the holds that were closed in one ms may stay, so the place is a time and a number.
  let from: Place = { at: 0, n: 0 }
  await steps.run(async () => {
    const { found, left, last } = await steps.writer.run('pruneHolds', { before, from })
    pruned += left
    from = last
    return found < STEP
  })
  await steps.run(async () => (await steps.writer.run('pruneMeters', null)) < STEP)
  return pruned
}
