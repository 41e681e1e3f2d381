import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Group } from './group.ts'
import { type Cell, holdCells, invoiceCells, UPSERT_HOLD, UPSERT_INVOICE } from './rows.ts'

/** Puts a group on disk in one transaction: all of it, or, by throwing, nothing. */
export class Writer {
  readonly #db: DatabaseSync
  readonly #insert: Record<Table, StatementSync>
  readonly #version: StatementSync
  #seen: unknown

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#version = db.prepare('PRAGMA data_version')
    this.#seen = this.#dataVersion()
    this.#insert = {
      accounts: db.prepare('INSERT INTO accounts (n, id, created_at) VALUES (?, ?, ?)'),
      drawers: db.prepare('INSERT INTO drawers (n, name) VALUES (?, ?)'),
      deposits: db.prepare('INSERT INTO deposits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
      holds: db.prepare(UPSERT_HOLD),
      postings: db.prepare('INSERT INTO postings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
      moves: db.prepare('UPDATE drawers SET balance = balance + ? WHERE n = ?'),
      meters: db.prepare('INSERT OR REPLACE INTO meters (key, used, held) VALUES (?, ?, ?)'),
      invoices: db.prepare(UPSERT_INVOICE),
      facts: db.prepare('INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)'),
    }
  }

  write(group: Group): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      this.#ownedByUs()
      this.#rows(group)
      this.#db.exec('COMMIT')
    } catch (error) {
      // A COMMIT that failed for want of space has rolled back already.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  /**
   * Balances are decided in memory: were another process to write to the same file, both would
   * spend the same money. Then nothing is committed here any more, and admission stops.
   */
  #ownedByUs(): void {
    if (this.#dataVersion() !== this.#seen) throw new Error('another process wrote to this ledger')
  }

  #dataVersion(): unknown {
    return this.#version.get()?.data_version
  }

  #rows(group: Group): void {
    const put = (table: Table, ...cells: Cell[]) => this.#insert[table].run(...cells)
    for (const { n, value } of group.newAccounts) put('accounts', n, value.id, value.createdAt)
    for (const [name, n] of group.newDrawers) put('drawers', n, name)
    for (const { account, n, value: d } of group.deposits.values()) {
      const { amount, rate, unit } = d.native
      put('deposits', n, d.payment, account, d.amount, d.credit, d.rail, amount, unit, rate, d.at)
    }
    for (const hold of group.holds.values()) put('holds', ...holdCells(hold))
    for (const p of group.postings) {
      put('postings', p.n, p.entry, p.at, p.why, p.deposit, p.hold, p.debit, p.credit, p.amount)
    }
    // What was set aside and given back within the group moves nothing.
    for (const [n, by] of group.moves) if (by !== 0n) put('moves', by, n)
    for (const { held, key, used } of group.meters.values()) put('meters', key, used, held)
    for (const row of group.invoices.values()) put('invoices', ...invoiceCells(row))
    for (const [key, value] of group.facts) put('facts', key, value)
  }
}

type Table =
  | 'accounts'
  | 'drawers'
  | 'deposits'
  | 'holds'
  | 'postings'
  | 'moves'
  | 'meters'
  | 'invoices'
  | 'facts'
