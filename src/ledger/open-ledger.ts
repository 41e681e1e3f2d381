import type { Result } from '../floor/result.ts'
import type { Msat } from '../money/msat.ts'
import type { Quantities } from '../money/quantities.ts'
import type { Invoices } from './invoices.ts'
import type { AccountId, Balance, Drawer, Entry, Ledger, MoneyKind, OpenHold } from './ledger.ts'
import type { Passes } from './passes.ts'

/** A ledger, its passes and its invoices. They are in one store, so they share commits. */
export interface Books {
  readonly kind: MoneyKind
  readonly ledger: Ledger
  readonly passes: Passes
  readonly invoices: Invoices
  readonly statement: Statement
  /** False while a commit has failed or is late. No request is admitted then. */
  healthy(): boolean
  /** Resolves when everything written so far is on disk. */
  flush(): Promise<void>
  /**
   * Removes holds that were released before that time, with their postings, and meters at zero.
   * Such postings cancel each other, so they say nothing, and strangers can make any number of them
   * (threats J20). Works in small steps, each of them one transaction, and stops when the books are
   * closed. Returns how many holds it removed. Rejects if a step cannot be written; that step then
   * changed nothing.
   */
  prune(before: number): Promise<number>
  close(): Promise<void>
}

/**
 * Read-only views for `satgate ledger` and `satgate earnings`. Rows come newest first, at most
 * `limit` of them. With `of`, only those of that account.
 */
export interface Statement {
  accounts(
    limit: number,
    of?: AccountId,
  ): Promise<readonly (Balance & { readonly createdAt: number })[]>
  holds(limit: number, of?: AccountId): Promise<readonly OpenHold[]>
  entries(limit: number, of?: AccountId): Promise<readonly Entry[]>
  /**
   * All accounts for which `fits` is true. Reads the accounts in parts, so that streams go on
   * meanwhile.
   */
  find(fits: (account: AccountId) => boolean): Promise<readonly AccountId[]>
  /** Charges by UTC day and model, newest first. */
  earnings(): Promise<readonly Earning[]>
  /** Deposits by UTC day and rail, newest first. */
  income(): Promise<readonly Income[]>
  /**
   * Paid-in credit that is not spent, with what is held of it. The wallet keeps this much when it
   * pays out. Bonus credit is not in it, because it is never paid out.
   */
  owed(): Promise<Msat>
  /** Proves that the books balance, or names everything that is wrong. */
  verify(): Promise<Result<Proof, readonly string[]>>
}

export interface Earning {
  /** UTC day, `2026-11-21`. */
  readonly day: string
  readonly model: string
  readonly requests: number
  /** The sum of what its requests used. */
  readonly quantities: Quantities
  readonly earned: Msat
  readonly overrun: Msat
}

export interface Income {
  readonly day: string
  readonly rail: string
  readonly credit: 'paid' | 'bonus'
  readonly payments: number
  readonly amount: Msat
}

export interface Proof {
  readonly accounts: number
  readonly openHolds: number
  readonly postings: number
  readonly drawers: readonly { readonly drawer: Drawer; readonly balance: bigint }[]
}
