import type { GroupWriter, WriterParts } from './group-writer.ts'
import type { JobInput, JobName, JobOutput } from './jobs.ts'
import { Writer } from './writer.ts'

/**
 * Writes on this thread, which stands still meanwhile, and on the connection of the books: for
 * commands and tests.
 */
export class InlineWriter implements GroupWriter {
  readonly #writer: Writer

  constructor({ db, opening }: Pick<WriterParts, 'db' | 'opening'>) {
    this.#writer = new Writer(db, opening)
  }

  async write(group: string, n: number): Promise<void> {
    this.#writer.write(group, n)
  }

  async run<K extends JobName>(job: K, input: JobInput<K>): Promise<JobOutput<K>> {
    return this.#writer.run(job, input)
  }

  async close(clean: boolean): Promise<void> {
    if (clean) finish(this.#writer)
  }
}

/** If the note cannot be written, the next start checks the file as after a crash. */
function finish(writer: Writer): void {
  try {
    writer.finish()
  } catch {
    // All rows are on disk, so nothing is lost.
  }
}
