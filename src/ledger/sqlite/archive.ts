import type { Steps } from './steps.ts'

/** Holds after which the progress is told. */
const TELL_EVERY = 10_000

/**
 * Archives details of what was closed before that time (ADR 51): a settled hold, its postings and
 * what it counted become a part of one row for its day, account and model. Returns how many holds.
 */
export async function archive(
  steps: Steps,
  before: number,
  told: (progress: string) => void,
): Promise<number> {
  let archived = 0
  let hold = 0
  await steps.run(async () => {
    const step = await steps.writer.run('archiveHolds', { before, from: hold })
    const tell = Math.floor((archived + step.archived) / TELL_EVERY)
    if (tell > Math.floor(archived / TELL_EVERY)) told(`archived ${tell * TELL_EVERY} requests`)
    archived += step.archived
    hold = step.last
    return step.over
  })
  let meter = ''
  await steps.run(async () => {
    const step = await steps.writer.run('archiveMeters', { before, from: meter })
    meter = step.last
    return step.over
  })
  return archived
}
