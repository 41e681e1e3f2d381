import { realWorld } from '../../src/floor/real-world.ts'
import type { Timer, World } from '../../src/floor/world.ts'
import { tick } from './buyer.ts'

/** The real time, timers and randomness of the machine. `now` follows tests that set the time. */
export const real: World = { ...realWorld(), now: () => Date.now() }

/** The same with another clock. */
export const worldAt = (now: () => number): World => ({ ...real, now })

interface Waiting {
  /** When it fires, in `elapsed` time. */
  due: number
  timer: Timer
  readonly fire: () => void
}

/** The time of the machine, which a test can move forward, and real randomness. */
export class TestWorld implements World {
  readonly #waiting = new Set<Waiting>()
  #ahead = 0
  now = (): number => real.now() + this.#ahead
  elapsed = (): number => real.elapsed() + this.#ahead
  random = real.random
  turn = real.turn
  after = (ms: number, then: () => void, unref?: 'unref'): Timer => {
    const fire = () => {
      this.#waiting.delete(waiting)
      then()
    }
    const waiting: Waiting = { due: 0, timer: real.after(ms, fire, unref), fire }
    const begin = () => {
      waiting.due = this.elapsed() + ms
      this.#waiting.add(waiting)
    }
    begin()
    return {
      cancel: () => {
        waiting.timer.cancel()
        this.#waiting.delete(waiting)
      },
      refresh: () => {
        waiting.timer.cancel()
        waiting.timer = real.after(ms, fire, unref)
        begin()
      },
    }
  }

  /** Moves the wall clock forward by so many ms. */
  advance(ms: number): void {
    this.#ahead += ms
    for (const waiting of this.#waiting) waiting.due += ms
  }

  /** Lets so many ms pass. Every timer that is then due fires now. */
  skip(ms: number): void {
    this.#ahead += ms
    const over = [...this.#waiting].filter(({ due }) => due <= this.elapsed())
    for (const waiting of over.sort((a, b) => a.due - b.due)) {
      // A timer that fired before may have cancelled this one.
      if (!this.#waiting.has(waiting)) continue
      waiting.timer.cancel()
      waiting.fire()
    }
  }

  /**
   * Waits until the condition is true. A quarter of a second passes in each turn, and real input
   * and output can go on in between.
   */
  async until(so: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await so())) {
      this.skip(250)
      await tick()
    }
  }

  /** The result of `work`. Time passes fast meanwhile, as long as `when` says so. */
  async hurry<T>(work: Promise<T>, when: () => boolean = () => true): Promise<T> {
    const stop = this.rush(when)
    return await work.finally(stop)
  }

  /** Lets time pass fast, as long as `when` says so, until the returned function is called. */
  rush(when: () => boolean = () => true): () => void {
    const timer = setInterval(() => {
      if (when()) this.skip(250)
    }, 5)
    return () => clearInterval(timer)
  }
}
