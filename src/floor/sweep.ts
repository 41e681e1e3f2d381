import { Roster, type Seated } from './roster.ts'
import type { Timer, World } from './world.ts'

/** Something for which a moment will come: a relay that may go silent, a request that waits. */
export interface Swept extends Seated {
  /**
   * ms on the clock `World.elapsed`. Its owner may move it at any time, also while it is on the
   * sweep. `Infinity` is a moment that never comes.
   */
  readonly due: number
  /**
   * The moment has come. It stays on the sweep, so it either leaves or moves its moment; otherwise it
   * is called again in the next round.
   */
  onDue(now: number): void
}

/** ms between two rounds, unless another time is given. */
const ROUND = 250

/**
 * One timer for the moments of many things, in place of a timer for each. It visits all of them every
 * `round` ms, so a moment is noticed up to `round` ms late, and never early. It is the roster of
 * these things too.
 *
 * The timer runs only while something is on the sweep. When the last thing has left, it fires once more
 * and stops: so a gate with one request at a time sets no timer for each. It does not keep the
 * process alive.
 */
export class Sweep<T extends Swept> {
  readonly #world: Pick<World, 'after' | 'elapsed'>
  readonly #round: number
  readonly #all = new Roster<T>()
  #timer: Timer | null = null
  #running = false

  constructor(world: Pick<World, 'after' | 'elapsed'>, round = ROUND) {
    this.#world = world
    this.#round = round
  }

  get size(): number {
    return this.#all.size
  }

  /** Its moment is noticed from now on. */
  add(one: T): void {
    this.#all.add(one)
    if (!this.#running) this.#wind()
  }

  /** Does nothing if it left before. */
  delete(one: T): void {
    this.#all.delete(one)
  }

  /** Calls `visit` for each. What it visits may leave meanwhile; nothing may be added. */
  each(visit: (one: T) => void): void {
    this.#all.each(visit)
  }

  #wind(): void {
    this.#running = true
    if (this.#timer === null) {
      this.#timer = this.#world.after(this.#round, () => this.#visit(), 'unref')
    } else this.#timer.refresh()
  }

  /**
   * Those whose moment has come are called after all were looked at, because they may add others. The
   * next round is set before that, so that a bug of one cannot stop it for the others.
   */
  #visit(): void {
    this.#running = false
    if (this.#all.size === 0) return
    this.#wind()
    const now = this.#world.elapsed()
    const due: T[] = []
    this.#all.each((one) => {
      if (one.due <= now) due.push(one)
    })
    for (const one of due) if (one.seat !== -1 && one.due <= now) one.onDue(now)
  }
}
