import type { InvoiceRow, Invoices } from './invoices.ts'

/** Invoices that live as long as their process. */
export class MemoryInvoices implements Invoices {
  readonly #rows = new Map<string, InvoiceRow>()
  readonly #facts = new Map<string, string>()

  async put(row: InvoiceRow): Promise<void> {
    if (!this.#rows.has(row.hash)) this.#rows.set(row.hash, row)
  }

  async get(hash: string): Promise<InvoiceRow | null> {
    return this.#rows.get(hash) ?? null
  }

  async markSettled(hash: string, at: number): Promise<void> {
    const row = this.#rows.get(hash)
    if (row !== undefined) this.#rows.set(hash, { ...row, settledAt: row.settledAt ?? at })
  }

  async markUsed(hash: string, at: number): Promise<void> {
    const row = this.#rows.get(hash)
    if (row !== undefined) this.#rows.set(hash, { ...row, usedAt: row.usedAt ?? at })
  }

  async pending(wallet: string, after: number, limit: number): Promise<readonly InvoiceRow[]> {
    return [...this.#rows.values()]
      .filter((row) => row.wallet === wallet && row.settledAt === null && row.expiresAt > after)
      .reverse()
      .sort((a, b) => b.createdAt - a.createdAt)
      .slice(0, limit)
  }

  async remember(key: string, value: string): Promise<void> {
    this.#facts.set(key, value)
  }

  async recall(key: string): Promise<string | null> {
    return this.#facts.get(key) ?? null
  }
}
