import type { DatabaseSync } from 'node:sqlite'
import type { GroupWriter } from './group-writer.ts'
import type { JobInput, JobName, JobOutput } from './jobs.ts'
import { Writer } from './writer.ts'

/** Writes on this thread, which stands still meanwhile: for commands and tests. */
export class InlineWriter implements GroupWriter {
  readonly #writer: Writer

  constructor(db: DatabaseSync) {
    this.#writer = new Writer(db)
  }

  async write(group: string): Promise<void> {
    this.#writer.write(group)
  }

  async run<K extends JobName>(job: K, input: JobInput<K>): Promise<JobOutput<K>> {
    return this.#writer.run(job, input)
  }

  alive(): boolean {
    return true
  }

  async close(): Promise<void> {}
}
