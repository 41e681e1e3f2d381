import { sleep, type World } from '../../floor/world.ts'
import type { GroupWriter } from './group-writer.ts'
import { type Place, STEP } from './prune-steps.ts'

/** ms between two steps. Groups are written in the pause. */
const PAUSE = 10

/**
 * Removes released holds from the books (ADR 25). Each step is a job of the writer, in one
 * transaction. A hold is removed only if its postings cancel each other in every drawer, so the
 * totals do not change. A hold whose postings do not cancel stays, and `verify` reports it.
 */
export class Pruner {
  readonly #world: World
  readonly #writer: GroupWriter
  readonly #flush: () => Promise<boolean>
  #stopped = false

  constructor(parts: {
    readonly world: World
    readonly writer: GroupWriter
    /** Writes all waiting rows to disk. A hold must be on disk before it can be removed. */
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

  async run(before: number): Promise<number> {
    let pruned = 0
    // Some of the holds that were closed in one ms may stay, so the place is a time and a number.
    let from: Place = { at: 0, n: 0 }
    while (await this.#mayGoOn()) {
      const { found, left, last } = await this.#writer.run('pruneHolds', { before, from })
      pruned += left
      if (found < STEP) break
      from = last
      await sleep(this.#world, PAUSE, { unref: 'unref' })
    }
    while (await this.#mayGoOn()) {
      if ((await this.#writer.run('pruneMeters', null)) < STEP) break
      await sleep(this.#world, PAUSE, { unref: 'unref' })
    }
    return pruned
  }

  async #mayGoOn(): Promise<boolean> {
    return !this.#stopped && (await this.#flush()) && !this.#stopped
  }
}
