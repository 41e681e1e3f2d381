import type { InvoiceRow, Invoices, Payable } from '../../src/ledger/invoices.ts'
import type { MemoryPasses } from './memory-passes.ts'

/** Invoices in memory. */
export class MemoryInvoices implements Invoices {
  readonly #passes: MemoryPasses
  readonly #rows = new Map<string, InvoiceRow>()
  readonly #facts = new Map<string, string>()

  constructor(passes: MemoryPasses) {
    this.#passes = passes
  }

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

  async stale(
    wallet: string,
    { before, after }: { readonly before: number; readonly after: number },
    limit: number,
  ): Promise<readonly InvoiceRow[]> {
    return [...this.#rows.values()]
      .filter((row) => row.wallet === wallet && row.settledAt === null)
      .filter(({ createdAt, expiresAt }) => createdAt > after && expiresAt <= before)
      .sort((a, b) => a.createdAt - b.createdAt)
      .slice(0, limit)
  }

  async forget(hash: string): Promise<void> {
    if (this.#rows.get(hash)?.settledAt !== null) return
    this.#rows.delete(hash)
    this.#passes.drop(hash)
  }

  async payable(after: number): Promise<readonly Payable[]> {
    const wallets = new Map<string, Payable>()
    for (const { expiresAt, settledAt, wallet } of this.#rows.values()) {
      if (settledAt !== null || expiresAt <= after) continue
      const { invoices, until } = wallets.get(wallet) ?? { invoices: 0, until: 0 }
      wallets.set(wallet, { wallet, invoices: invoices + 1, until: Math.max(until, expiresAt) })
    }
    return [...wallets.values()].sort((a, b) => (a.wallet < b.wallet ? -1 : 1))
  }

  async pending(wallet: string, after: number, limit: number): Promise<readonly InvoiceRow[]> {
    return [...this.#rows.values()]
      .filter((row) => row.wallet === wallet && row.settledAt === null && row.expiresAt > after)
      .reverse()
      .sort((a, b) => b.createdAt - a.createdAt)
      .slice(0, limit)
  }

  async newest(wallet: string, after: number): Promise<InvoiceRow | null> {
    const rows = [...this.#rows.values()]
      .filter((row) => row.wallet === wallet)
      .filter(({ settledAt, expiresAt }) => settledAt !== null || expiresAt > after)
      .sort((a, b) => b.createdAt - a.createdAt)
    return rows[0] ?? null
  }

  async remember(key: string, value: string): Promise<void> {
    this.#facts.set(key, value)
  }

  async recall(key: string): Promise<string | null> {
    return this.#facts.get(key) ?? null
  }
}
