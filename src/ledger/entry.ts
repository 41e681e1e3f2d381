import type { Msat } from '../money/msat.ts'
import type { MicroUsd } from '../money/usd.ts'
import type { AccountId, HoldId, PaymentId } from './ledger.ts'
import type { WithdrawalId } from './withdrawals.ts'

/** What the book consists of. `docs/money.md` has the chart of accounts. */

/**
 * The drawers. `paid:` is what a buyer paid in, `bonus:` what the operator gave; `held:` is set
 * aside for running requests, `leaving:` for a withdrawal; `rail:` is where payments come from,
 * `grant:` where gifts come from; `revenue:<model>` is earned, `sent:<source>` was paid out of that
 * wallet or mint, with fees. `owed:` is negative: it is what an account used but could not pay yet,
 * because its other requests hold the money. `loss:overrun` is what nobody paid.
 *
 * The drawers whose names begin with `usd` are in micro-dollars: `usd:` is what a buyer has,
 * `usd-rail:` where dollars come from, `usd-spent:exchange` what buyers gave for credit. That credit
 * comes out of `exchange:usd`, which is in msat as all others. No posting connects the two units.
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
  | 'exchange:usd'
  | UsdDrawer

export type UsdDrawer = `usd:${AccountId}` | `usd-rail:${string}` | 'usd-spent:exchange'

/** Whether a drawer is in micro-dollars. */
export const isInUsd = (drawer: string): drawer is UsdDrawer =>
  /^usd(?:-rail|-spent)?:/.test(drawer)

/** The unit of a drawer, in words. */
export const unitOf = (drawer: string): string => (isInUsd(drawer) ? 'micro-dollars' : 'msat')

/** One movement of money, out of `debit` and into `credit`, in the unit of both. */
export interface Posting {
  readonly debit: Drawer
  readonly credit: Drawer
  readonly amount: Msat | MicroUsd
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
