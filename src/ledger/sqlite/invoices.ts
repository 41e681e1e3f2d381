import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { InvoiceRow, Invoices, Payable } from '../invoices.ts'
import { CachedRows } from './cached-rows.ts'
import type { Journal } from './journal.ts'
import type { SqlitePasses } from './passes.ts'
import { invoiceOf, number, reading, text } from './rows.ts'

/** Invoices in the file of the ledger. They share its commits. */
export class SqliteInvoices implements Invoices {
  readonly #journal: Journal
  readonly #passes: SqlitePasses
  readonly #pending: StatementSync
  readonly #payable: StatementSync
  readonly #stale: StatementSync
  readonly #newest: StatementSync
  readonly #recall: StatementSync
  readonly #rows: CachedRows<InvoiceRow>

  constructor(db: DatabaseSync, journal: Journal, passes: SqlitePasses) {
    this.#journal = journal
    this.#passes = passes
    const get = reading(db, 'SELECT * FROM lightning_invoices WHERE hash = ?')
    this.#rows = new CachedRows({
      journal,
      unwritten: ({ invoices }) => invoices,
      read: (hash) => {
        const row = get.get(hash)
        return row === undefined ? null : invoiceOf(row)
      },
    })
    this.#pending = reading(
      db,
      `
      SELECT * FROM lightning_invoices WHERE wallet = ? AND settled_at IS NULL AND expires_at > ?
      ORDER BY created_at DESC LIMIT ?`,
    )
    // An invoice that expired by then was made before then, so the index can end the search.
    this.#stale = reading(
      db,
      `
      SELECT * FROM lightning_invoices WHERE wallet = ? AND settled_at IS NULL
        AND created_at > ? AND created_at <= ? AND expires_at <= ?
      ORDER BY created_at LIMIT ?`,
    )
    this.#payable = reading(
      db,
      `
      SELECT wallet, count(*) AS invoices, max(expires_at) AS until FROM lightning_invoices
      WHERE settled_at IS NULL AND expires_at > ?
      GROUP BY wallet ORDER BY wallet`,
    )
    this.#newest = reading(
      db,
      `
      SELECT * FROM lightning_invoices WHERE wallet = ?
        AND (settled_at IS NOT NULL OR expires_at > ?)
      ORDER BY created_at DESC LIMIT 1`,
    )
    this.#recall = db.prepare('SELECT value FROM facts WHERE key = ?')
  }

  async put(row: InvoiceRow): Promise<void> {
    if (this.#rows.get(row.hash) === null) this.#rows.write(row)
    await this.#journal.durable()
  }

  async get(hash: string): Promise<InvoiceRow | null> {
    return this.#rows.get(hash)
  }

  async markSettled(hash: string, at: number): Promise<void> {
    const row = this.#rows.get(hash)
    if (row?.settledAt === null) this.#rows.write({ ...row, settledAt: at })
    await this.#journal.durable()
  }

  async stale(
    wallet: string,
    { before, after }: { readonly before: number; readonly after: number },
    limit: number,
  ): Promise<readonly InvoiceRow[]> {
    await this.#journal.flush()
    return this.#stale.all(wallet, after, before, before, limit).map(invoiceOf)
  }

  async forget(hash: string): Promise<void> {
    if (this.#rows.get(hash)?.settledAt !== null) return
    this.#rows.drop(hash)
    this.#passes.drop(hash)
    this.#journal.group.forgotten.add(hash)
    this.#journal.touch()
    await this.#journal.durable()
  }

  async payable(after: number): Promise<readonly Payable[]> {
    await this.#journal.flush()
    return this.#payable.all(after).map((row) => ({
      wallet: text(row, 'wallet'),
      invoices: number(row, 'invoices'),
      until: number(row, 'until'),
    }))
  }

  async pending(wallet: string, after: number, limit: number): Promise<readonly InvoiceRow[]> {
    await this.#journal.flush()
    return this.#pending.all(wallet, after, limit).map(invoiceOf)
  }

  async newest(wallet: string, after: number): Promise<InvoiceRow | null> {
    await this.#journal.flush()
    const row = this.#newest.get(wallet, after)
    return row === undefined ? null : invoiceOf(row)
  }

  async remember(key: string, value: string): Promise<void> {
    this.#journal.group.facts.set(key, value)
    this.#journal.touch()
    await this.#journal.durable()
  }

  async recall(key: string): Promise<string | null> {
    const unwritten = this.#journal.find(({ facts }) => facts.get(key))
    if (unwritten !== undefined) return unwritten
    const row = this.#recall.get(key)
    return row === undefined ? null : text(row, 'value')
  }
}
