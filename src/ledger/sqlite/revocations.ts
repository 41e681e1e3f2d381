import type { DatabaseSync } from 'node:sqlite'
import type { AccountId } from '../ledger.ts'
import type { Revocations, RevokedRow, Rotation } from '../revocations.ts'
import type { Journal } from './journal.ts'
import { reading, revokedOf, rotationOf, text } from './rows.ts'

/** Revocations in the file of the ledger. They share its commits. */
export class SqliteRevocations implements Revocations {
  readonly #journal: Journal
  readonly #names = new Set<string>()
  readonly #counts = new Map<AccountId, number>()
  readonly #rotations = new Map<AccountId, Rotation>()

  /** Reads all of it into memory. */
  constructor(db: DatabaseSync, journal: Journal) {
    this.#journal = journal
    for (const row of reading(db, 'SELECT * FROM revoked_passes').iterate()) {
      this.#remember(revokedOf(row))
    }
    for (const row of reading(db, 'SELECT * FROM rotations').iterate()) {
      this.#rotations.set(text(row, 'account'), rotationOf(row))
    }
  }

  isRevoked(names: readonly string[]): boolean {
    return this.#names.size > 0 && names.some((name) => this.#names.has(name))
  }

  count(account: AccountId): number {
    return this.#counts.get(account) ?? 0
  }

  async revoke(row: RevokedRow): Promise<void> {
    if (!this.#names.has(row.name)) {
      this.#remember(row)
      this.#journal.group.revoked.set(row.name, row)
      this.#journal.touch()
    }
    await this.#journal.durable()
  }

  rotation(account: AccountId): Rotation | null {
    return this.#rotations.get(account) ?? null
  }

  async rotate(rotation: Rotation): Promise<void> {
    this.#write(rotation)
    await this.#journal.durable()
  }

  confirm(account: AccountId, at: number): void {
    const rotation = this.rotation(account)
    if (rotation?.usedAt === null) this.#write({ ...rotation, usedAt: at })
  }

  #write(rotation: Rotation): void {
    this.#rotations.set(rotation.account, rotation)
    this.#journal.group.rotations.set(rotation.account, rotation)
    this.#journal.touch()
  }

  #remember({ account, name }: RevokedRow): void {
    this.#names.add(name)
    this.#counts.set(account, this.count(account) + 1)
  }
}
