import type { JobInput, JobName, JobOutput } from './jobs.ts'

/** Writes groups to the file, on this thread or on another one. */
export interface GroupWriter {
  /**
   * Writes all of a group (`group-text.ts`) in one transaction. Groups are numbered from 1 and
   * written in order. Resolves when it is on disk. If it rejects, the same group must be given
   * again, because its answer may be all that was lost.
   */
  write(group: string, n: number): Promise<void>
  /** Does some work on the file between two groups, in one transaction. Rejects if that fails. */
  run<K extends JobName>(job: K, input: JobInput<K>): Promise<JobOutput<K>>
  /** False while nobody is there who could write. */
  alive(): boolean
  /** Ends the writer. It closes no connection that it did not open. */
  close(): Promise<void>
}
