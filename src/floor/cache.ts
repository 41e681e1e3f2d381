import { assert } from './assert.ts'

/**
 * A bounded map that keeps what was used lately. It has two generations: when the young one is
 * full, it becomes the old one, and the entries of the old one are forgotten. An entry of the old
 * generation that is asked for becomes young again, so a burst of new keys cannot push out what is
 * in use (threats C2). Reading a young entry changes nothing, which makes this cheaper than a list
 * in the order of use.
 */
export class Cache<V> {
  #young = new Map<string, V>()
  #old = new Map<string, V>()
  readonly #generation: number

  /** Keeps at least the last `generation` keys, and at most twice as many. */
  constructor(generation: number) {
    assert(Number.isInteger(generation) && generation > 0, `not a size of a cache: ${generation}`)
    this.#generation = generation
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.#generation && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  *values(): Iterable<V> {
    yield* this.#young.values()
    for (const [key, value] of this.#old) if (!this.#young.has(key)) yield value
  }
}
