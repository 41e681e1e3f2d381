import type { Drawer, HoldId } from './ledger.ts'
import type { HoldState, Meter } from './state.ts'

/**
 * What books must satisfy, as sentences about what does not. Adapters gather the figures in their
 * own way (a map, a query); what the figures have to say to each other stands here once.
 */

/** What the postings of one hold come to, in msat. */
export interface Posted {
  /** Still in `held:`, of this hold. */
  readonly held: bigint
  /** Into `revenue:`, less what was taken back. */
  readonly revenue: bigint
  /** Out of `loss:overrun`, less what was put back. */
  readonly overrun: bigint
  /** Out of `owed:`, less what was collected. */
  readonly owed: bigint
  /** Out of `paid:` and `bonus:`, less what was given back. */
  readonly paid: bigint
  readonly bonus: bigint
}

export const NOTHING_POSTED: Posted = {
  held: 0n,
  revenue: 0n,
  overrun: 0n,
  owed: 0n,
  paid: 0n,
  bonus: 0n,
}

/** What the postings of a hold must come to. */
function expected({ amount, bonus, close, paid }: HoldState): Posted {
  if (close === null) return { ...NOTHING_POSTED, held: amount, paid, bonus }
  const { overrun, owed } = close
  const revenue = close.paid + close.bonus + owed + overrun
  return { held: 0n, revenue, overrun, owed, paid: close.paid, bonus: close.bonus }
}

/** A hold against its postings. */
export function* doubtHold(hold: HoldState, posted: Posted): Iterable<string> {
  const right = expected(hold)
  for (const part of ['held', 'revenue', 'overrun', 'owed', 'paid', 'bonus'] as const) {
    if (posted[part] !== right[part]) {
      const says = `hold ${hold.id} (${hold.status}) says ${part} ${right[part]} msat`
      yield `${says}, its postings say ${posted[part]}`
    }
  }
}

/** A drawer's stored balance against the sum of its postings. */
export function* doubtDrawer(drawer: Drawer, stored: bigint, posted: bigint): Iterable<string> {
  if (stored !== posted) {
    yield `drawer ${drawer} says ${stored} msat, its postings say ${posted}`
  }
  if (posted < 0n && !mayOwe(drawer)) yield `drawer ${drawer} is at ${posted} msat, below zero`
}

/** Money comes from outside, a loss from nowhere, a debt is still to come: only these are below zero. */
const mayOwe = (drawer: Drawer): boolean =>
  drawer === 'loss:overrun' || /^(?:rail|grant|owed):/.test(drawer)

/** An account's open holds against its `held:` drawer. */
export function* doubtHeld(drawer: Drawer, stored: bigint, open: bigint): Iterable<string> {
  if (stored !== open) yield `drawer ${drawer} says ${stored} msat, its open holds say ${open}`
}

/** An account's `owed:` drawer against what its closed holds owe; all are zero or below. */
export function* doubtOwed(drawer: Drawer, stored: bigint, owed: bigint): Iterable<string> {
  if (stored > 0n) yield `drawer ${drawer} is at ${stored} msat, above zero`
  if (stored !== owed) yield `drawer ${drawer} says ${stored} msat, its closed holds say ${owed}`
}

/** A meter against the holds that were counted at it. */
export function* doubtMeter(stored: Meter, counted: Meter): Iterable<string> {
  const { key } = stored
  if (stored.used < 0n || stored.held < 0n) yield `meter ${key} is below zero`
  if (stored.used !== counted.used || stored.held !== counted.held) {
    const says = `meter ${key} says ${stored.used} used and ${stored.held} held`
    yield `${says}, its holds say ${counted.used} and ${counted.held}`
  }
}

/** What stands against every posting alike. */
export function* doubtPosting(
  ref: string | HoldId,
  { amount, credit, debit }: { debit: Drawer; credit: Drawer; amount: bigint },
): Iterable<string> {
  if (amount <= 0n) yield `a posting of ${ref} moves ${amount} msat`
  if (debit === credit) yield `a posting of ${ref} moves money from ${debit} to itself`
}
