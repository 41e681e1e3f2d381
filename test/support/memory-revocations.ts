import type { AccountId } from '../../src/ledger/ledger.ts'
import type { Revocations, RevokedRow, Rotation } from '../../src/ledger/revocations.ts'

/** Revocations in memory. */
export class MemoryRevocations implements Revocations {
  readonly #rows = new Map<string, RevokedRow>()
  readonly #rotations = new Map<AccountId, Rotation>()

  isRevoked(names: readonly string[]): boolean {
    return names.some((name) => this.#rows.has(name))
  }

  count(account: AccountId): number {
    return [...this.#rows.values()].filter((row) => row.account === account).length
  }

  async revoke(row: RevokedRow): Promise<void> {
    if (!this.#rows.has(row.name)) this.#rows.set(row.name, row)
  }

  rotation(account: AccountId): Rotation | null {
    return this.#rotations.get(account) ?? null
  }

  async rotate(rotation: Rotation): Promise<void> {
    this.#rotations.set(rotation.account, rotation)
  }

  confirm(account: AccountId, at: number): void {
    const rotation = this.rotation(account)
    if (rotation?.usedAt === null) this.#rotations.set(account, { ...rotation, usedAt: at })
  }
}
