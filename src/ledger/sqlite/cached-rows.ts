import { Cache } from '../../floor/cache.ts'
import type { Group } from './group.ts'
import type { Journal } from './journal.ts'

const CACHED = 10_000

/**
 * The rows of one table, read through a cache. Rows that are not on disk yet are read from the
 * journal's groups. A new row is not cached before somebody asks for it: most invoices that strangers
 * are offered are never paid, and would only keep their requests in memory.
 */
export class CachedRows<T extends { readonly hash: string }> {
  readonly #journal: Journal
  readonly #unwritten: (group: Group) => Map<string, T>
  readonly #read: (hash: string) => T | null
  readonly #cache = new Cache<T>(CACHED)

  constructor(parts: {
    readonly journal: Journal
    readonly unwritten: (group: Group) => Map<string, T>
    /** Reads the row from the disk. */
    readonly read: (hash: string) => T | null
  }) {
    this.#journal = parts.journal
    this.#unwritten = parts.unwritten
    this.#read = parts.read
  }

  get(hash: string): T | null {
    const known = this.#cache.get(hash) ?? this.#journal.find(this.#in(hash))
    if (known !== undefined) return known
    const row = this.#read(hash)
    if (row !== null) this.#cache.set(hash, row)
    return row
  }

  /** Finds the row in a group; null if that group drops it. */
  #in(hash: string): (group: Group) => T | null | undefined {
    return (group) => (group.forgotten.has(hash) ? null : this.#unwritten(group).get(hash))
  }

  /** The row is on disk after the next commit. */
  write(row: T): void {
    this.#unwritten(this.#journal.group).set(row.hash, row)
    if (this.#cache.get(row.hash) !== undefined) this.#cache.set(row.hash, row)
    this.#journal.touch()
  }

  drop(hash: string): void {
    this.#cache.delete(hash)
    this.#unwritten(this.#journal.group).delete(hash)
  }
}
