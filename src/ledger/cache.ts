/**
 * Copies of what was used lately, in two generations: when the young one is full it becomes the
 * old one, and what is asked for meanwhile becomes young again. What falls out is read again from
 * where it was written, so that the size is a matter of speed and never of truth.
 */
export class Cache<V> {
  #young = new Map<string, V>()
  #old = new Map<string, V>()
  readonly #generation: number

  /** Keeps at least the last `generation` keys, at most twice as many. */
  constructor(generation: number) {
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
