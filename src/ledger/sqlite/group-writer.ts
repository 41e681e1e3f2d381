import type { DatabaseSync } from 'node:sqlite'
import type { World } from '../../floor/world.ts'
import type { JobInput, JobName, JobOutput } from './jobs.ts'
import type { Opening } from './writer.ts'

/** Writes groups to the file, on this thread or on another one. */
export interface GroupWriter {
  /**
   * Writes all of a group (`group-text.ts`) in one transaction. Groups are numbered from 1 and come
   * in order. Resolves when it is on disk. If it rejects, the same group must be given again: perhaps
   * it is on disk, and only its answer was lost. It is not written twice.
   */
  write(group: string, n: number): Promise<void>
  /** Does some work on the file between two groups, in one transaction. Rejects if that fails. */
  run<K extends JobName>(job: K, input: JobInput<K>): Promise<JobOutput<K>>
  /** Ends the writer. `clean`: every row is on disk, which it notes in the file. Never rejects. */
  close(clean: boolean): Promise<void>
}

export interface WriterParts {
  readonly world: World
  readonly path: string
  /** The connection on which the books read. */
  readonly db: DatabaseSync
  readonly opening: Opening
  /** Called when nobody is there who could write, with the reason, and with null when one is again. */
  readonly onGone: (why: Error | null) => void
}
