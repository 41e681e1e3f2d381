import { textHash } from './text-hash.ts'

interface Entry<V> {
  readonly key: string
  readonly hash: number
  value: V
  /** The next entry of the same bucket. */
  chained: Entry<V> | null
  /** Its neighbours in the order in which the keys came. */
  older: Entry<V> | null
  younger: Entry<V> | null
}

/** Buckets of an empty map. Their number is a power of two, and doubles when all have one entry. */
const FEWEST = 64

/**
 * A map for what comes and goes with requests, in the order in which it came. Use it in place of a
 * `Map` that lives longer than its entries. V8 links each hash table that a `Map` outgrew to its
 * successor, so one table that has become old keeps all later ones alive, with everything that ever
 * was in them, until the next full collection. Here an entry that leaves points at nothing, and
 * nothing points at it.
 */
export class TransientMap<V> {
  #buckets: (Entry<V> | null)[] = new Array(FEWEST).fill(null)
  #oldest: Entry<V> | null = null
  #youngest: Entry<V> | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: string): V | undefined {
    if (this.#size === 0) return undefined
    return this.#find(key, textHash(key))?.value
  }

  /** A key that is there keeps its place in the order. */
  set(key: string, value: V): void {
    const hash = textHash(key)
    const known = this.#find(key, hash)
    if (known !== null) {
      known.value = value
      return
    }
    if (this.#size >= this.#buckets.length) this.#grow()
    const at = hash & (this.#buckets.length - 1)
    const chained = this.#buckets[at] ?? null
    const entry = { key, hash, value, chained, older: this.#youngest, younger: null }
    this.#buckets[at] = entry
    if (this.#youngest === null) this.#oldest = entry
    else this.#youngest.younger = entry
    this.#youngest = entry
    this.#size += 1
  }

  /** Does nothing if the key is not there. */
  delete(key: string): void {
    if (this.#size === 0) return
    const hash = textHash(key)
    const at = hash & (this.#buckets.length - 1)
    let before: Entry<V> | null = null
    let entry = this.#buckets[at] ?? null
    while (entry !== null && !(entry.hash === hash && entry.key === key)) {
      before = entry
      entry = entry.chained
    }
    if (entry === null) return
    if (before === null) this.#buckets[at] = entry.chained
    else before.chained = entry.chained
    if (entry.older === null) this.#oldest = entry.younger
    else entry.older.younger = entry.younger
    if (entry.younger === null) this.#youngest = entry.older
    else entry.younger.older = entry.older
    entry.chained = null
    entry.older = null
    entry.younger = null
    this.#size -= 1
  }

  /** Keys and values, oldest key first. The one that was given last may leave meanwhile. */
  *entries(): Iterable<readonly [string, V]> {
    let next = this.#oldest
    for (let entry = next; entry !== null; entry = next) {
      next = entry.younger
      yield [entry.key, entry.value]
    }
  }

  *values(): Iterable<V> {
    for (const [, value] of this.entries()) yield value
  }

  #find(key: string, hash: number): Entry<V> | null {
    let entry = this.#buckets[hash & (this.#buckets.length - 1)] ?? null
    while (entry !== null && !(entry.hash === hash && entry.key === key)) entry = entry.chained
    return entry
  }

  #grow(): void {
    const size = this.#buckets.length * 2
    this.#buckets = new Array(size).fill(null)
    for (let entry = this.#oldest; entry !== null; entry = entry.younger) {
      const at = entry.hash & (size - 1)
      entry.chained = this.#buckets[at] ?? null
      this.#buckets[at] = entry
    }
  }
}
