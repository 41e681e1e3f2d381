import type { Result } from '../floor/result.ts'
import type { Msat } from '../money/msat.ts'
import type { Quantities } from '../money/quantities.ts'
import type { MicroUsd } from '../money/usd.ts'
import type { Drawer, Entry } from './entry.ts'
import type { Invoices } from './invoices.ts'
import type {
  AccountId,
  Balance,
  HoldId,
  Ledger,
  MoneyKind,
  OpenHold,
  PaymentId,
} from './ledger.ts'
import type { Passes, PassRow } from './passes.ts'
import type { Revocations } from './revocations.ts'
import type { Withdrawable, WithdrawalBook } from './withdrawals.ts'

/** A ledger, its passes, its invoices and its withdrawals. They are in one store, so they share commits. */
export interface Books {
  readonly kind: MoneyKind
  readonly ledger: Ledger
  readonly passes: Passes
  readonly revocations: Revocations
  readonly invoices: Invoices
  readonly withdrawals: WithdrawalBook
  readonly statement: Statement
  /**
   * False while a commit has failed or is late, and once `check` has found damage. No request is
   * admitted then.
   */
  healthy(): boolean
  /**
   * Checks what opening the books has not checked because that would have taken long: the totals of a
   * large file that was not closed as it should be, and its structure. Returns what is wrong, or null.
   */
  check(): Promise<string | null>
  /** True once `check` has found damage. */
  damaged(): boolean
  /** Whether anybody ever paid. */
  hasAccounts(): boolean
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
  /**
   * Rolls up the details of requests that were closed before that time: one row stays for each UTC day,
   * account and model, and the ledger can prove itself from these rows and the details that are left. A
   * request that is open, expired or owes something keeps its details. Works in small steps like
   * `prune`. `told` hears how far it is. Returns how many requests were rolled up.
   */
  archive(before: number, told?: (progress: string) => void): Promise<number>
  /** The time up to which `archive` has taken details away. Null if it never has. */
  archivedUpTo(): Promise<number | null>
  close(): Promise<void>
}

/** The most rows that one question to a `Statement` answers with. */
export const MOST_ROWS = 1_000

/** An entry with its number in the book. Numbers grow with time. */
export type NumberedEntry = Entry & { readonly n: number }

/**
 * Read-only views for `satgate ledger`, `satgate earnings` and metrics. A running gate reads on a
 * thread of its own, so that no stream waits for it. Rows come newest first, at most `limit` and at
 * most `MOST_ROWS` of them. With `of`, only those of that account. With `before`, only those that
 * are older than that account, hold or number of an entry.
 */
export interface Statement {
  accounts(
    limit: number,
    of?: AccountId | null,
    before?: AccountId,
  ): Promise<readonly (Balance & { readonly createdAt: number })[]>
  holds(limit: number, of?: AccountId | null, before?: HoldId): Promise<readonly OpenHold[]>
  /**
   * The passes of accounts, those of the newest account first. `before`: the hash of a pass. Passes of
   * invoices that would open an account are not in it before they are paid.
   */
  passes(limit: number, of?: AccountId | null, before?: string): Promise<readonly ListedPass[]>
  entries(limit: number, of?: AccountId | null, before?: number): Promise<readonly NumberedEntry[]>
  /**
   * All accounts for which `fits` is true. Reads the accounts in parts, so that streams go on
   * meanwhile.
   */
  find(fits: (account: AccountId) => boolean): Promise<readonly AccountId[]>
  /** Charges by UTC day and model, newest first. */
  earnings(): Promise<readonly Earning[]>
  /**
   * What each model earned in all, for at most `models` of them: those that earned most. All others
   * are one row with an empty name.
   */
  earnedBy(models: number): Promise<readonly Pick<Earning, 'model' | 'earned'>[]>
  /** Deposits by UTC day and rail, newest first. */
  income(): Promise<readonly Income[]>
  /**
   * Payments with that source of whose credit not all has left, newest first. With `before`, only
   * those that are older.
   */
  paymentsOf(source: string, limit: number, before?: PaymentId): Promise<readonly PaymentId[]>
  /** What left, by UTC day of the day on which that was known and by source, newest first. */
  outgo(): Promise<readonly Outgo[]>
  /**
   * Paid-in credit that is not spent, with what is held or leaving of it. The wallet keeps this much
   * when it pays out. Bonus credit is not in it, because it is never paid out.
   */
  owed(): Promise<Msat>
  /**
   * The same by source, for the question whether each wallet and mint holds what it owes. What is held
   * counts as it would if it were given back, so a source may owe a little less than this. Credit
   * without a source has an empty one.
   */
  owedBySource(): Promise<readonly Withdrawable[]>
  /**
   * Proves that the books balance, or names everything that is wrong. `told` hears how far it is.
   */
  verify(told?: (progress: string) => void): Promise<Result<Proof, readonly string[]>>
}

/** A pass, and what its account has. */
export interface ListedPass {
  readonly row: PassRow
  /** The rail of the payment that bought it. Null if no payment did, or it is not paid. */
  readonly rail: string | null
  readonly available: Msat
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

/** `amount` is in micro-dollars if `credit` is `usd`. The two units are never added up. */
export type Income = {
  readonly day: string
  readonly rail: string
  readonly payments: number
} & (
  | { readonly credit: 'paid' | 'bonus'; readonly amount: Msat }
  | { readonly credit: 'usd'; readonly amount: MicroUsd }
)

export interface Outgo {
  readonly day: string
  readonly source: string
  readonly withdrawals: number
  /** With fees. */
  readonly amount: Msat
  /** What of it was fees. */
  readonly fees: Msat
}

export interface Proof {
  readonly accounts: number
  readonly openHolds: number
  readonly postings: number
  /** The drawers that belong to no buyer. */
  readonly drawers: readonly { readonly drawer: Drawer; readonly balance: bigint }[]
  /** The sums of the buyers' drawers, which may be millions. `owed` is at most zero, `usd` in micro-dollars. */
  readonly buyers: Readonly<Record<'paid' | 'bonus' | 'held' | 'owed' | 'leaving' | 'usd', bigint>>
}
