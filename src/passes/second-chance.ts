import { assert } from '../floor/assert.ts'

/**
 * A bounded map that forgets the oldest first, but gives an entry that was used since it was last
 * looked at another round: a burst of new ones cannot push out what is in use (threats C2).
 */
export class SecondChance<V> {
  readonly #size: number
  readonly #entries = new Map<string, { readonly value: V; used: boolean }>()

  /** At most `size` entries, one or more. */
  constructor(size: number) {
    assert(Number.isInteger(size) && size > 0, `not a size of a cache: ${size}`)
    this.#size = size
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    entry.used = true
    return entry.value
  }

  set(key: string, value: V): void {
    this.#entries.delete(key)
    this.#makeRoom()
    this.#entries.set(key, { value, used: false })
  }

  get size(): number {
    return this.#entries.size
  }

  /** Ends: each entry is passed over once at most, then it has lost its mark. */
  #makeRoom(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size < this.#size) return
      this.#entries.delete(key)
      if (!entry.used) continue
      entry.used = false
      this.#entries.set(key, entry)
    }
  }
}
