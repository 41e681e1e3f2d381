import type { DatabaseSync } from 'node:sqlite'
import { archiveHolds, archiveMeters } from './archive-steps.ts'
import { pruneHolds, pruneMeters } from './prune-steps.ts'

/**
 * Work on the file besides the groups. Each job is a function that the writer calls within a
 * transaction of its own. What goes in and comes out may cross to another thread, so it is data.
 */
export const jobsOver = (db: DatabaseSync) => ({
  archiveHolds: archiveHolds(db),
  archiveMeters: archiveMeters(db),
  pruneHolds: pruneHolds(db),
  pruneMeters: pruneMeters(db),
})

export type Jobs = ReturnType<typeof jobsOver>
export type JobName = keyof Jobs
export type JobInput<K extends JobName> = Parameters<Jobs[K]>[0]
export type JobOutput<K extends JobName> = ReturnType<Jobs[K]>
