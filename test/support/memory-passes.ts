import type { Passes, PassRow } from '../../src/ledger/passes.ts'

/** Passes in memory. */
export class MemoryPasses implements Passes {
  readonly #rows = new Map<string, PassRow>()

  async put(row: PassRow): Promise<void> {
    if (!this.#rows.has(row.hash)) this.#rows.set(row.hash, row)
  }

  async get(hash: string): Promise<PassRow | null> {
    return this.#rows.get(hash) ?? null
  }

  async markUsed(hash: string, at: number): Promise<void> {
    const row = this.#rows.get(hash)
    if (row !== undefined) this.#rows.set(hash, { ...row, usedAt: row.usedAt ?? at })
  }

  async claim(hash: string, tokenId: string): Promise<string | null> {
    const row = this.#rows.get(hash)
    if (row === undefined) return null
    if (row.tokenId === null) this.#rows.set(hash, { ...row, tokenId })
    return row.tokenId ?? tokenId
  }

  get all(): readonly PassRow[] {
    return [...this.#rows.values()]
  }

  /** Drops the pass, because its invoice is dropped. */
  drop(hash: string): void {
    this.#rows.delete(hash)
  }
}
