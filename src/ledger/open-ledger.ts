import type { Result } from '../floor/result.ts'
import type { Msat } from '../money/msat.ts'
import type { Quantities } from '../money/quantities.ts'
import type { Invoices } from './invoices.ts'
import type { AccountId, Balance, Drawer, Entry, Ledger, MoneyKind, OpenHold } from './ledger.ts'
import type { Passes } from './passes.ts'

/** A ledger, its passes and its invoices in one store: they share commits. What `compose` opens and closes. */
export interface Books {
  readonly kind: MoneyKind
  readonly ledger: Ledger
  readonly passes: Passes
  readonly invoices: Invoices
  readonly statement: Statement
  /** False while a commit has failed or is late: nothing is admitted then. */
  healthy(): boolean
  /** Resolves when everything so far is on disk. */
  flush(): Promise<void>
  /**
   * Takes holds that were released before that time out of the books, with their postings, which
   * cancel each other, and meters at zero: they say nothing, and anybody makes as many as they like
   * (threats J20). Goes in small steps, each of them all or nothing, and ends where the books are
   * closed. Answers how many holds left. Rejects if a step cannot be written; then nothing of it was.
   */
  prune(before: number): Promise<number>
  close(): Promise<void>
}

/**
 * Read-only views, for `satgate ledger` and `satgate earnings`. Rows come newest first, at most `limit`
 * of them; with `of`, only those of that account.
 */
export interface Statement {
  accounts(
    limit: number,
    of?: AccountId,
  ): Promise<readonly (Balance & { readonly createdAt: number })[]>
  holds(limit: number, of?: AccountId): Promise<readonly OpenHold[]>
  entries(limit: number, of?: AccountId): Promise<readonly Entry[]>
  /** Every account that fits. Looks at all of them, in parts, so that streams go on meanwhile. */
  find(fits: (account: AccountId) => boolean): Promise<readonly AccountId[]>
  /** Charges by UTC day and model, newest first. */
  earnings(): Promise<readonly Earning[]>
  /** Deposits by UTC day and rail, newest first. */
  income(): Promise<readonly Income[]>
  /**
   * What buyers have paid in and not spent, what is held of it included: a wallet does not pay it out.
   * Bonus credit never leaves as sats and is not in it.
   */
  owed(): Promise<Msat>
  /** Proves that the books balance, or names every place that is wrong. */
  verify(): Promise<Result<Proof, readonly string[]>>
}

export interface Earning {
  /** UTC day, `2026-11-21`. */
  readonly day: string
  readonly model: string
  readonly requests: number
  /** All that its requests used, together. */
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
