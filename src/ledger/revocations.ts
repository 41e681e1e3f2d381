import type { AccountId } from './ledger.ts'

/**
 * Passes that have ended before their time. All of it is in memory, because every request with a pass
 * asks, and on disk. It grows by one row for each revocation and each rotated account, which only those
 * with a paid pass and the operator can cause; `MOST_REVOKED` bounds the rows of one account.
 */
export interface Revocations {
  /**
   * Whether one of these names was revoked: those of all prefixes of a pass, so that a revoked prefix
   * ends the whole subtree (threats H9).
   */
  isRevoked(names: readonly string[]): boolean
  /** How many names were revoked for this account. */
  count(account: AccountId): number
  /** In force at once, and on disk when it resolves. The same name again changes nothing. */
  revoke(row: RevokedRow): Promise<void>
  /** The last rotation of an account. Null if its passes were never rotated. */
  rotation(account: AccountId): Rotation | null
  /**
   * Replaces the last rotation of the account. In force at once, and on disk when it resolves; a pass
   * that is put in the same tick is in the same commit.
   */
  rotate(rotation: Rotation): Promise<void>
  /**
   * The new pass of an account's last rotation was used for the first time. Is written with the next
   * commit, and nobody waits for that: a crash before it only means that it is used again.
   */
  confirm(account: AccountId, at: number): void
}

/** How many names an account may have revoked, before its passes have to be rotated. */
export const MOST_REVOKED = 1_000

export interface RevokedRow {
  /** The hex of sha256(signature at that caveat); of the first signature for a root pass. */
  readonly name: string
  readonly account: AccountId
  readonly at: number
}

/**
 * All passes of an account were ended, and one new root pass was made. A pass is good while its
 * generation is the one of its account.
 */
export interface Rotation {
  readonly account: AccountId
  /** Counts up from 1. Passes of an account that was never rotated have the generation 0. */
  readonly generation: number
  /** The hash of the new root pass. Null if there is none, because the operator ended all passes. */
  readonly pass: string | null
  /**
   * The root pass of this generation asked for it. It may ask again, for some minutes after `at`, while
   * nobody has used the new pass: its answer may have been lost.
   */
  readonly from: number
  readonly at: number
  /** The hex of sha256(Idempotency-Key). Null if there was none. */
  readonly key: string | null
  /** When the new root pass, or a child of it, was first used. */
  readonly usedAt: number | null
}

/** The generation of which the passes of this account must be. */
export const generationOf = (
  revocations: Pick<Revocations, 'rotation'>,
  account: AccountId,
): number => revocations.rotation(account)?.generation ?? 0
