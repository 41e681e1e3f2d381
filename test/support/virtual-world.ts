import { steady, type Timer, type World } from '../../src/floor/world.ts'

/** A timer of a virtual world. `at` is in `elapsed` time. */
interface Waiting {
  at: number
  /** Of two timers for the same ms, the one that was set first fires first. */
  order: number
  readonly then: () => void
}

/**
 * Time that moves only when nothing else can run, so that hours of a gate pass in milliseconds. Two
 * runs with one seed do the same: timers fire in a fixed order, and random numbers come from the
 * seed.
 */
export class VirtualWorld implements World {
  readonly chance: Chance
  readonly #waiting = new Set<Waiting>()
  readonly #busy: () => boolean
  readonly #turns: number
  #elapsed = 0
  #ahead = 0
  #order = 0
  readonly now: () => number

  /** `busy` is true while real input or output is under way. Time waits for it. */
  constructor(seed: number, busy?: () => boolean) {
    this.chance = new Chance(seed)
    this.#busy = busy ?? (() => false)
    // Input needs some turns of the event loop until its effects are over.
    this.#turns = busy === undefined ? 1 : 5
    this.now = steady(() => START + this.#elapsed + this.#ahead)
  }

  /** ms since the beginning. Changes of the clock do not affect it. */
  readonly elapsed = (): number => this.#elapsed

  readonly random = (bytes: number): Uint8Array<ArrayBuffer> => this.chance.bytes(bytes)

  readonly after = (ms: number, then: () => void): Timer => {
    const waiting = { at: 0, order: 0, then }
    const timer = {
      cancel: () => void this.#waiting.delete(waiting),
      refresh: () => {
        waiting.at = this.#elapsed + Math.max(0, ms)
        waiting.order = this.#order++
        this.#waiting.add(waiting)
      },
    }
    timer.refresh()
    return timer
  }

  readonly turn = (): Promise<void> => new Promise((resolve) => this.after(0, resolve))

  /** Moves the wall clock forward or back, as an operator or NTP does. Timers do not change. */
  jump(ms: number): void {
    this.#ahead += ms
  }

  /**
   * Lets `ms` pass. Fires every timer that becomes due. The effects of one timer are over before
   * the next one fires.
   */
  async pass(ms: number): Promise<void> {
    const until = this.#elapsed + ms
    await this.#idle()
    let still = 0
    for (let next = this.#next(); next !== null && next.at <= until; next = this.#next()) {
      still = next.at > this.#elapsed ? 0 : still + 1
      if (still > MOST_AT_ONCE) throw new Error(`time stands still: ${next.then}`)
      this.#elapsed = Math.max(this.#elapsed, next.at)
      this.#waiting.delete(next)
      next.then()
      await this.#idle()
    }
    this.#elapsed = until
  }

  /** Lets time pass until `work` is done. */
  async until<T>(work: Promise<T>): Promise<T> {
    let over = false
    const done = work.finally(() => {
      over = true
    })
    // The caller handles a rejection when time has stopped.
    done.catch(() => {})
    for (let left = MOST_WAITS; !over && left > 0; left--) await this.pass(10)
    if (!over) throw new Error('it never ends')
    return done
  }

  /** Resolves when no promise can go on. */
  async #idle(): Promise<void> {
    for (let quiet = 0; quiet < this.#turns; ) {
      await turn()
      quiet = this.#busy() ? 0 : quiet + 1
    }
  }

  #next(): Waiting | null {
    let first: Waiting | null = null
    for (const one of this.#waiting) {
      if (first === null || one.at < first.at || (one.at === first.at && one.order < first.order))
        first = one
    }
    return first
  }
}

/** How many timers may fire in one ms before this counts as an endless loop. */
const MOST_AT_ONCE = 20_000

/** Steps of 10 ms. */
const MOST_WAITS = 100_000

const START = Date.UTC(2026, 10, 21, 12)

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A process in a virtual world. After it is killed, none of its timers fires. */
export class VirtualProcess implements World {
  readonly #world: VirtualWorld
  /** Resolves when it is dead. */
  readonly killed: Promise<void>
  #die: () => void = () => {}
  alive = true

  constructor(world: VirtualWorld) {
    this.#world = world
    this.killed = new Promise((resolve) => {
      this.#die = resolve
    })
  }

  readonly now = (): number => this.#world.now()
  readonly elapsed = (): number => this.#world.elapsed()
  readonly random = (bytes: number): Uint8Array<ArrayBuffer> => this.#world.random(bytes)
  readonly after = (ms: number, then: () => void): Timer => this.#world.after(ms, this.while(then))
  readonly turn = (): Promise<void> => new Promise((resolve) => this.after(0, resolve))

  /** Wraps a function so that it does nothing after the process is dead. */
  while<A extends unknown[]>(then: (...given: A) => void): (...given: A) => void {
    return (...given) => {
      if (this.alive) then(...given)
    }
  }

  /** The result of `work`. A dead process never gets it. */
  hear<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(this.while(resolve), this.while(reject))
    })
  }

  kill(): void {
    this.alive = false
    this.#die()
  }
}

/** Random numbers from a seed (mulberry32). */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, but without, 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number from `least` to `most`, both included. */
  from(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1))
  }

  /** True with that probability in percent. */
  percent(times: number): boolean {
    return this.fraction() * 100 < times
  }

  one<T>(list: readonly T[]): T {
    const found = list[this.from(0, list.length - 1)]
    if (found === undefined) throw new Error('nothing to choose from')
    return found
  }

  bytes(count: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: count }, () => this.from(0, 255))
  }
}
