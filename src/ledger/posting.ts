import { least, type Msat, subtract } from '../money/msat.ts'
import type { MicroUsd } from '../money/usd.ts'
import type { Drawer, Entry, Posting, UsdDrawer, Why } from './entry.ts'
import type { AccountId } from './ledger.ts'

/** A posting of msat, or nothing if the amount is zero. */
export const posting = (
  debit: Exclude<Drawer, UsdDrawer>,
  credit: Exclude<Drawer, UsdDrawer>,
  amount: Msat,
): readonly Posting[] => (amount === 0n ? [] : [{ debit, credit, amount }])

/** A posting of micro-dollars, or nothing if the amount is zero. */
export const usdPosting = (
  debit: UsdDrawer,
  credit: UsdDrawer,
  amount: MicroUsd,
): readonly Posting[] => (amount === 0n ? [] : [{ debit, credit, amount }])

/** An account spends dollars. What they buy comes out of `exchange:usd`. */
export const spendUsd = (account: AccountId, amount: MicroUsd): readonly Posting[] =>
  usdPosting(`usd:${account}`, 'usd-spent:exchange', amount)

/** An account gets back dollars that bought nothing. */
export const returnUsd = (account: AccountId, amount: MicroUsd): readonly Posting[] =>
  usdPosting('usd-spent:exchange', `usd:${account}`, amount)

/** An entry, or nothing if it has no postings. */
export function entry(
  head: { readonly at: number; readonly why: Why; readonly ref: string },
  postings: readonly Posting[],
): readonly Entry[] {
  return postings.length === 0 ? [] : [{ ...head, postings }]
}

/** Takes an amount from two credits: paid-in credit is spent first. */
export function paidFirst(
  from: { readonly paid: Msat },
  amount: Msat,
): { readonly paid: Msat; readonly bonus: Msat } {
  const paid = least(from.paid, amount)
  return { paid, bonus: subtract(amount, paid) }
}
