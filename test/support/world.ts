import { realWorld } from '../../src/floor/real-world.ts'
import type { Timer, World } from '../../src/floor/world.ts'
import { tick } from './buyer.ts'

/** The machine's own time, timers and randomness. Its clock follows a test that sets time back. */
export const real: World = { ...realWorld(), now: () => Date.now() }

/** The same with another clock. */
export const worldAt = (now: () => number): World => ({ ...real, now })

interface Waiting {
  /** On `elapsed`. */
  due: number
  timer: Timer
  readonly fire: () => void
}

/** The machine's time, which a test may move on, and real randomness. */
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

  /** Everybody who asks the time from now on is told that it is later by so many ms. */
  advance(ms: number): void {
    this.#ahead += ms
    for (const waiting of this.#waiting) waiting.due += ms
  }

  /** So many ms pass: every timer whose time is then over fires now. */
  skip(ms: number): void {
    this.#ahead += ms
    const over = [...this.#waiting].filter(({ due }) => due <= this.elapsed())
    for (const waiting of over.sort((a, b) => a.due - b.due)) {
      // One that fired before may have cancelled it.
      if (!this.#waiting.has(waiting)) continue
      waiting.timer.cancel()
      waiting.fire()
    }
  }

  /** Waits until the condition is true; a quarter of a second passes in
   * each turn, in which what is on its way comes some way on. */
  async until(so: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await so())) {
      this.skip(250)
      await tick()
    }
  }

  /** What `work` comes to; time passes as fast meanwhile. */
  async hurry<T>(work: Promise<T>): Promise<T> {
    let over = false
    const done = work.finally(() => {
      over = true
    })
    await Promise.race([done, this.until(() => over)])
    return done
  }
}
