import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { Cache } from '../../floor/cache.ts'
import type { InvoiceRow, Invoices, Payable } from '../invoices.ts'
import type { Journal } from './journal.ts'
import { invoiceOf, number, text } from './rows.ts'

const CACHED = 10_000

/** Invoices in the ledger's file: they share its commits. */
export class SqliteInvoices implements Invoices {
  readonly #journal: Journal
  readonly #get: StatementSync
  readonly #pending: StatementSync
  readonly #payable: StatementSync
  readonly #stale: StatementSync
  readonly #recall: StatementSync
  readonly #rows = new Cache<InvoiceRow>(CACHED)

  constructor(db: DatabaseSync, journal: Journal) {
    this.#journal = journal
    this.#get = db.prepare('SELECT * FROM invoices WHERE hash = ?')
    this.#pending = db.prepare(`
      SELECT * FROM invoices WHERE wallet = ? AND settled_at IS NULL AND expires_at > ?
      ORDER BY created_at DESC LIMIT ?`)
    // Who expired by then was made by then: the index ends the search.
    this.#stale = db.prepare(`
      SELECT * FROM invoices WHERE wallet = ? AND settled_at IS NULL
        AND created_at > ? AND created_at <= ? AND expires_at <= ?
      ORDER BY created_at LIMIT ?`)
    this.#payable = db.prepare(`
      SELECT wallet, count(*) AS invoices, max(expires_at) AS until FROM invoices
      WHERE settled_at IS NULL AND bolt11 IS NOT NULL AND expires_at > ?
      GROUP BY wallet ORDER BY wallet`)
    this.#recall = db.prepare('SELECT value FROM facts WHERE key = ?')
    this.#get.setReadBigInts(true)
    this.#pending.setReadBigInts(true)
    this.#payable.setReadBigInts(true)
    this.#stale.setReadBigInts(true)
  }

  async put(row: InvoiceRow): Promise<void> {
    if (this.#row(row.hash) === null) this.#write(row)
    await this.#journal.durable()
  }

  async get(hash: string): Promise<InvoiceRow | null> {
    return this.#row(hash)
  }

  async markSettled(hash: string, at: number): Promise<void> {
    const row = this.#row(hash)
    if (row?.settledAt === null) this.#write({ ...row, settledAt: at })
    await this.#journal.durable()
  }

  async markUsed(hash: string, at: number): Promise<void> {
    const row = this.#row(hash)
    if (row?.usedAt === null) this.#write({ ...row, usedAt: at })
    await this.#journal.durable()
  }

  async claim(hash: string, tokenId: string): Promise<string | null> {
    const row = this.#row(hash)
    if (row?.tokenId === null) this.#write({ ...row, tokenId })
    await this.#journal.durable()
    return row === null ? null : (row.tokenId ?? tokenId)
  }

  async stale(
    wallet: string,
    { before, after }: { readonly before: number; readonly after: number },
    limit: number,
  ): Promise<readonly InvoiceRow[]> {
    this.#journal.commit()
    return this.#stale.all(wallet, after, before, before, limit).map(invoiceOf)
  }

  async forget(hash: string): Promise<void> {
    if (this.#row(hash)?.settledAt !== null) return
    this.#rows.delete(hash)
    this.#journal.group.invoices.delete(hash)
    this.#journal.group.forgotten.add(hash)
    this.#journal.touch()
    await this.#journal.durable()
  }

  async payable(after: number): Promise<readonly Payable[]> {
    this.#journal.commit()
    return this.#payable.all(after).map((row) => ({
      wallet: text(row, 'wallet'),
      invoices: number(row, 'invoices'),
      until: number(row, 'until'),
    }))
  }

  async pending(wallet: string, after: number, limit: number): Promise<readonly InvoiceRow[]> {
    this.#journal.commit()
    return this.#pending.all(wallet, after, limit).map(invoiceOf)
  }

  async remember(key: string, value: string): Promise<void> {
    this.#journal.group.facts.set(key, value)
    this.#journal.touch()
    await this.#journal.durable()
  }

  async recall(key: string): Promise<string | null> {
    const unwritten = this.#journal.group.facts.get(key)
    if (unwritten !== undefined) return unwritten
    const row = this.#recall.get(key)
    return row === undefined ? null : text(row, 'value')
  }

  #row(hash: string): InvoiceRow | null {
    if (this.#journal.group.forgotten.has(hash)) return null
    const known = this.#rows.get(hash) ?? this.#journal.group.invoices.get(hash)
    if (known !== undefined) return known
    const row = this.#get.get(hash)
    if (row === undefined) return null
    const invoice = invoiceOf(row)
    this.#rows.set(hash, invoice)
    return invoice
  }

  #write(row: InvoiceRow): void {
    this.#journal.group.invoices.set(row.hash, row)
    this.#rows.set(row.hash, row)
    this.#journal.touch()
  }
}
