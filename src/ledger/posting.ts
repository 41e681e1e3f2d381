import { least, type Msat, subtract } from '../money/msat.ts'
import type { Drawer, Entry, Posting, Why } from './ledger.ts'

/** A posting of nothing is left out. */
export const posting = (debit: Drawer, credit: Drawer, amount: Msat): readonly Posting[] =>
  amount === 0n ? [] : [{ debit, credit, amount }]

/** An entry without postings is left out. */
export function entry(
  head: { readonly at: number; readonly why: Why; readonly ref: string },
  postings: readonly Posting[],
): readonly Entry[] {
  return postings.length === 0 ? [] : [{ ...head, postings }]
}

/** That much of two credits: paid-in credit is spent first. */
export function paidFirst(
  from: { readonly paid: Msat },
  amount: Msat,
): { readonly paid: Msat; readonly bonus: Msat } {
  const paid = least(from.paid, amount)
  return { paid, bonus: subtract(amount, paid) }
}
