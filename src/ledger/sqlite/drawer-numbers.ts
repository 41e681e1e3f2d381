import type { StatementSync } from 'node:sqlite'
import { Cache } from '../../floor/cache.ts'
import type { Drawer } from '../entry.ts'
import type { Journal } from './journal.ts'
import { number } from './rows.ts'

/** The numbers by which postings name drawers. */
export class DrawerNumbers {
  readonly #journal: Journal
  readonly #read: StatementSync
  readonly #cache: Cache<number>
  #next: number

  /** `next` is the number of the next new drawer. */
  constructor(parts: { journal: Journal; read: StatementSync; cached: number; next: number }) {
    this.#journal = parts.journal
    this.#read = parts.read
    this.#cache = new Cache(parts.cached)
    this.#next = parts.next
  }

  /** The number of a drawer, which is made if there is none. */
  of(name: Drawer): number {
    const known = this.known(name)
    if (known !== null) return known
    const n = this.#next++
    this.#journal.group.newDrawers.set(name, n)
    this.#cache.set(name, n)
    return n
  }

  /** The number of a drawer, or null if there is none. */
  known(name: Drawer): number | null {
    const known =
      this.#cache.get(name) ?? this.#journal.find(({ newDrawers }) => newDrawers.get(name))
    if (known !== undefined) return known
    const row = this.#read.get(name)
    if (row === undefined) return null
    const n = number(row, 'n')
    this.#cache.set(name, n)
    return n
  }
}
