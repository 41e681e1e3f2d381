import { assert } from '../floor/assert.ts'

/** Slots at the upstream. One stays taken until the upstream has really let go. */
export class Capacity {
  readonly #most: number
  #taken = 0

  constructor(most: number | null) {
    this.#most = most ?? Number.POSITIVE_INFINITY
  }

  get taken(): number {
    return this.#taken
  }

  /** A function that gives the slot back, once; null where none is free. */
  take(): (() => void) | null {
    if (this.#taken >= this.#most) return null
    this.#taken += 1
    let given = false
    return () => {
      assert(!given, 'a slot was given back twice')
      given = true
      this.#taken -= 1
    }
  }
}
