import type { Msat } from '../money/msat.ts'
import type { AccountId, HoldId, PaymentId } from './ledger.ts'
import type { WithdrawalId } from './withdrawals.ts'

/** What the book consists of. `docs/money.md` has the chart of accounts. */

/**
 * The drawers. `paid:` is what a buyer paid in, `bonus:` what the operator gave; `held:` is set
 * aside for running requests, `leaving:` for a withdrawal; `rail:` is where payments come from,
 * `grant:` where gifts come from; `revenue:<model>` is earned, `sent:<source>` was paid out of that
 * wallet or mint, with fees. `owed:` is negative: it is what an account used but could not pay yet,
 * because its other requests hold the money. `loss:overrun` is what nobody paid.
 */
export type Drawer =
  | `paid:${AccountId}`
  | `bonus:${AccountId}`
  | `held:${AccountId}`
  | `owed:${AccountId}`
  | `leaving:${AccountId}`
  | `rail:${string}`
  | `grant:${string}`
  | `revenue:${string}`
  | `sent:${string}`
  | 'loss:overrun'

/** One movement of money, out of `debit` and into `credit`. */
export interface Posting {
  readonly debit: Drawer
  readonly credit: Drawer
  readonly amount: Msat
}

/**
 * `collect` takes what a closed hold still owes, or books it as lost. `withdraw` sets money aside that
 * is to leave, `send` books that it left, and `return` that it did not.
 */
export type Why =
  | 'deposit'
  | 'hold'
  | 'settle'
  | 'release'
  | 'expire'
  | 'collect'
  | 'withdraw'
  | 'send'
  | 'return'

/** Postings that are written together or not at all. */
export interface Entry {
  readonly at: number
  readonly why: Why
  /** The payment, the hold or the withdrawal it belongs to. */
  readonly ref: PaymentId | HoldId | WithdrawalId
  readonly postings: readonly Posting[]
}
