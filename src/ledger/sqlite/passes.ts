import type { DatabaseSync } from 'node:sqlite'
import type { Passes, PassRow } from '../passes.ts'
import { CachedRows } from './cached-rows.ts'
import type { Journal } from './journal.ts'
import { passOf, reading } from './rows.ts'

/** Passes in the file of the ledger. They share its commits. */
export class SqlitePasses implements Passes {
  readonly #journal: Journal
  readonly #rows: CachedRows<PassRow>

  constructor(db: DatabaseSync, journal: Journal) {
    this.#journal = journal
    const get = reading(db, 'SELECT * FROM passes WHERE hash = ?')
    this.#rows = new CachedRows({
      journal,
      unwritten: ({ passes }) => passes,
      read: (hash) => {
        const row = get.get(hash)
        return row === undefined ? null : passOf(row)
      },
    })
  }

  async put(row: PassRow): Promise<void> {
    if (this.#rows.get(row.hash) === null) this.#rows.write(row)
    await this.#journal.durable()
  }

  get(hash: string): PassRow | null {
    return this.#rows.get(hash)
  }

  async markUsed(hash: string, at: number): Promise<void> {
    const row = this.#rows.get(hash)
    if (row?.usedAt === null) this.#rows.write({ ...row, usedAt: at })
    await this.#journal.durable()
  }

  async claim(hash: string, tokenId: string): Promise<string | null> {
    const row = this.#rows.get(hash)
    if (row?.tokenId === null) this.#rows.write({ ...row, tokenId })
    await this.#journal.durable()
    return row === null ? null : (row.tokenId ?? tokenId)
  }

  /** Its invoice is dropped. Both are removed from the disk in one commit. */
  drop(hash: string): void {
    this.#rows.drop(hash)
  }
}
