import { sleep, type World } from '../../floor/world.ts'
import type { GroupWriter } from './group-writer.ts'

/** ms between two steps. Groups are written in the pause. */
const PAUSE = 10
/** Holds after which the progress is told. */
const TELL_EVERY = 10_000

/**
 * Archives details that are older than some day (ADR 51): a settled hold, its postings and what it
 * counted become a part of one row for its day, account and model. Each step is a job of the writer
 * in one transaction, so what was archived before a crash is archived, and the rest is not.
 */
export class Archiver {
  readonly #world: World
  readonly #writer: GroupWriter
  readonly #flush: () => Promise<boolean>
  #stopped = false

  constructor(parts: {
    readonly world: World
    readonly writer: GroupWriter
    /** Writes all waiting rows to disk. A hold must be on disk before it can be archived. */
    readonly flush: () => Promise<boolean>
  }) {
    this.#world = parts.world
    this.#writer = parts.writer
    this.#flush = parts.flush
  }

  /** Stops after the current step. */
  stop(): void {
    this.#stopped = true
  }

  /** Archives what was closed before that time. Returns how many holds. */
  async run(before: number, told: (progress: string) => void): Promise<number> {
    let archived = 0
    for (let from = 0, over = false; !over && (await this.#mayGoOn()); ) {
      const step = await this.#writer.run('archiveHolds', { before, from })
      const tell = Math.floor((archived + step.archived) / TELL_EVERY)
      if (tell > Math.floor(archived / TELL_EVERY)) told(`archived ${tell * TELL_EVERY} requests`)
      archived += step.archived
      from = step.last
      over = step.over
    }
    for (let from = '', over = false; !over && (await this.#mayGoOn()); ) {
      const step = await this.#writer.run('archiveMeters', { before, from })
      from = step.last
      over = step.over
    }
    return archived
  }

  async #mayGoOn(): Promise<boolean> {
    if (this.#stopped) return false
    await sleep(this.#world, PAUSE)
    return !this.#stopped && (await this.#flush()) && !this.#stopped
  }
}
