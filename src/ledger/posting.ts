import { least, type Msat, subtract } from '../money/msat.ts'
import type { Drawer, Entry, Posting, Why } from './entry.ts'

/** A posting, or nothing if the amount is zero. */
export const posting = (debit: Drawer, credit: Drawer, amount: Msat): readonly Posting[] =>
  amount === 0n ? [] : [{ debit, credit, amount }]

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
