import { BrokenBelief } from './assert.ts'
import { backOff } from './back-off.ts'
import { inTime } from './in-time.ts'
import { sayError } from './say-error.ts'
import type { Timer, World } from './world.ts'

/** Told once when a piece of work begins to fail, and once when it works again. Without secrets. */
export type OnTrouble = (trouble: {
  readonly work: string
  readonly solved: boolean
  readonly reason: string
}) => void

/** When work is tried again, in ms: so often, and after failures twice as long each time up to `longest`. */
export interface Schedule {
  readonly every: number
  readonly longest: number
  /** Until the first time; without it the work begins at once. */
  readonly first?: number
}

/** Work that goes on until it is stopped. */
export interface Repeated {
  /** Runs it now instead of later. If it is running, it runs again as soon as it has ended. */
  soon(): void
  /** Begins no more. */
  end(): void
  /** Begins no more runs. Resolves when the current one has ended, or after 2 s. */
  stop(): Promise<void>
}

/**
 * The owner of all work that nobody waits for. Every promise in `src` is awaited, returned, or
 * given to this owner: `background.once('collect', () => collector.collect(hash))`. A failure is
 * reported and never thrown, because an unhandled one ends the process. For that reason the lint
 * forbids `void promise`. The operator reads the name of the work.
 */
export class Background {
  readonly #world: World
  readonly #onTrouble: OnTrouble
  readonly #failing = new Set<string>()

  constructor(world: World, onTrouble: OnTrouble) {
    this.#world = world
    this.#onTrouble = onTrouble
  }

  /** Begins the work now, once. */
  once(work: string, run: () => unknown): void {
    this.#attempt(work, run).then(nothing, nothing)
  }

  /**
   * Reports an error that an emitter gave. An emitter without a listener for its errors would end
   * the process (J11).
   */
  failed(work: string, error: unknown): void {
    this.once(work, () => Promise.reject(error))
  }

  /** Until it has succeeded once. */
  until(work: string, pace: Schedule, run: () => unknown): Repeated {
    return this.repeat(work, pace, async () => {
      await run()
      return OVER
    })
  }

  /**
   * Again and again, one at a time: `every` ms after it has ended, and ever later while it fails. A
   * broken belief ends it, for money does not move on a mistake of ours.
   */
  repeat(work: string, pace: Schedule, run: () => unknown): Repeated {
    let timer: Timer | null = null
    let running: Promise<void> | null = null
    let failures = 0
    let again = false
    let stopped = false
    const wind = (ms: number) => {
      timer?.cancel()
      timer = stopped ? null : this.#world.after(ms, begin, 'unref')
    }
    const begin = (): void => {
      running = round().then(nothing, nothing)
    }
    const round = async (): Promise<void> => {
      again = false
      const how = await this.#attempt(work, run)
      running = null
      failures = how === 'failed' ? failures + 1 : 0
      if (how === 'broken' || how === 'over') stopped = true
      const late = failures === 0 ? pace.every : backOff(pace.every, failures, pace.longest)
      wind(again && failures === 0 ? 0 : late)
    }
    if (pace.first === undefined) begin()
    else wind(pace.first)
    const end = () => {
      stopped = true
      timer?.cancel()
    }
    const world = this.#world
    return {
      end,
      soon() {
        again = true
        if (running === null && failures === 0) wind(0)
      },
      async stop() {
        end()
        if (running !== null) await inTime(world, running, { ms: STOP_WITHIN, late: undefined })
      },
    }
  }

  /** Never rejects. */
  async #attempt(work: string, run: () => unknown): Promise<'done' | 'over' | 'failed' | 'broken'> {
    try {
      const result = await run()
      if (this.#failing.delete(work)) {
        this.#onTrouble({ work, solved: true, reason: 'it works again' })
      }
      return result === OVER ? 'over' : 'done'
    } catch (error) {
      if (!this.#failing.has(work)) {
        this.#failing.add(work)
        this.#onTrouble({ work, solved: false, reason: sayError(error) })
      }
      return error instanceof BrokenBelief ? 'broken' : 'failed'
    }
  }
}

const OVER = Symbol('over')
const nothing = (): void => {}

/** ms that a stop waits. Work that still runs may be waiting for a mint, or for a full disk. */
const STOP_WITHIN = 2_000
