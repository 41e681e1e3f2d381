import { sleep, type World } from '../../floor/world.ts'
import type { GroupWriter } from './group-writer.ts'

/** ms between two steps. Groups are written in the pause. */
const PAUSE = 10

/**
 * Long work on the file in small steps. Each step is a job of the writer in one transaction, so after
 * a crash what was done is done, and the rest is not.
 */
export class Steps {
  readonly writer: Pick<GroupWriter, 'run'>
  readonly #world: World
  readonly #flush: () => Promise<boolean>
  #stopped = false

  constructor(parts: {
    readonly world: World
    readonly writer: Pick<GroupWriter, 'run'>
    /** Writes all waiting rows to disk. A row must be on disk before it can be removed. */
    readonly flush: () => Promise<boolean>
  }) {
    this.#world = parts.world
    this.writer = parts.writer
    this.#flush = parts.flush
  }

  /** Stops all work after its current step. */
  stop(): void {
    this.#stopped = true
  }

  /**
   * Calls `step` until it returns true, which means that nothing is left to do. Ends earlier if the
   * work is stopped, or if waiting rows cannot be written. Rejects if a step does.
   */
  async run(step: () => Promise<boolean>): Promise<void> {
    while (!this.#stopped && (await this.#flush()) && !this.#stopped) {
      if (await step()) return
      await sleep(this.#world, PAUSE)
    }
  }
}
