import { assert } from '../floor/assert.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { add, least, type Msat, msat, subtract, ZERO } from '../money/msat.ts'
import { countOf } from './counting.ts'
import type { Drawer, Posting, Why } from './entry.ts'
import type { Charge, Closed } from './ledger.ts'
import { collect } from './owed.ts'
import { entry, paidFirst, posting } from './posting.ts'
import {
  type Account,
  available,
  awaits,
  type Close,
  type Count,
  type HoldState,
  type Meter,
  type Step,
} from './state.ts'

/**
 * How a hold ends: settle, release or expire. One function does all three, because they differ only
 * in what is charged. A hold expires if its owner is silent. If the owner comes back later, the
 * hold is settled anew: what the expiry charged is its stake.
 */

/**
 * A hold, and everything that its closing touches. `meters` are in the order of the hold's counts.
 */
export interface CloseView {
  readonly hold: HoldState
  readonly account: Account
  /** Null if the count is of a `req` limit. */
  readonly meters: readonly (Meter | null)[]
  /** Other closed holds of the account that owe, oldest first. */
  readonly owing: readonly HoldState[]
}

export type ClosedStep = Step & {
  readonly hold: HoldState & { readonly close: Close }
  /** Debts of earlier holds that are given up with this close. */
  readonly lost: Msat
}

/** Refuses a hold that cannot be closed. The first close counts (threats B4). */
export function closable(hold: HoldState | null): Result<HoldState, Closed> {
  if (hold === null) return err('hold_not_found')
  if (hold.status === 'settled') return err('already_settled')
  if (hold.status === 'released') return err('already_released')
  return ok(hold)
}

/** Charges what was used. */
export const settle = (view: CloseView, charge: Charge): ClosedStep =>
  close(view, {
    ...charge,
    why: 'settle',
    status: 'settled',
    counts: 'used',
  })

/** Gives everything back: the money of the hold, and its part of every meter. */
export const release = (view: CloseView, end: string, at: number): ClosedStep =>
  close(view, { ...NOTHING, why: 'release', status: 'released', end, at })

/**
 * Charges what the journal says, and gives the rest back. The journal knows no tokens, so if
 * anything was used, the hold counts in full at its limits. A limit is then reached too early,
 * never too late.
 */
export const expire = (view: CloseView, at: number): ClosedStep =>
  close(view, {
    ...NOTHING,
    why: 'expire',
    status: 'expired',
    end: 'expired',
    at,
    amount: view.hold.sofar,
    usage: view.hold.sofar === 0n ? 'none' : 'counted',
    counts: view.hold.sofar === 0n ? 'nothing' : 'as_held',
  })

const NOTHING = {
  amount: ZERO,
  usage: 'none',
  quantities: {},
  counts: 'nothing',
} as const

interface Closing extends Omit<Charge, 'usage'> {
  readonly usage: string
  readonly why: Why
  readonly status: 'settled' | 'released' | 'expired'
  /**
   * What the hold counts at limits other than `spend`: what was used, what was held, or nothing.
   */
  readonly counts: 'used' | 'as_held' | 'nothing'
}

/** The money that belongs to this hold, and the drawer in which it is. */
interface Stake {
  readonly drawer: Drawer
  readonly paid: Msat
  readonly bonus: Msat
  /** What its expiry could not take. It is settled anew with the rest. */
  readonly owed: Msat
  readonly overrun: Msat
}

function stakeOf({ account, bonus, close, model, paid }: HoldState): Stake {
  return close === null
    ? { drawer: `held:${account}`, paid, bonus, owed: ZERO, overrun: ZERO }
    : { ...close, drawer: `revenue:${model}` }
}

/** Where the money of a close goes. Paid-in credit is spent first, of the stake and beyond it. */
interface Split {
  /** Parts of the stake: what is charged, and what goes back. */
  readonly kept: { readonly paid: Msat; readonly bonus: Msat }
  readonly back: { readonly paid: Msat; readonly bonus: Msat }
  /** What is taken from the account's available money, beyond the stake. */
  readonly extra: { readonly paid: Msat; readonly bonus: Msat }
  /** `owed` waits for money that may come back; `overrun` is paid by nobody. */
  readonly owed: Msat
  readonly overrun: Msat
}

/**
 * Never takes the money of another hold (threats B2). Limits do not matter here: they decided
 * whether the request was admitted (J4).
 */
function split(account: Account, stake: Stake, amount: Msat): Split {
  const own = add(stake.paid, stake.bonus)
  const kept = paidFirst(stake, least(amount, own))
  const beyond = amount > own ? subtract(amount, own) : ZERO
  const extra = paidFirst(account, least(beyond, msat(available(account))))
  const missing = subtract(beyond, add(extra.paid, extra.bonus))
  return {
    kept,
    back: { paid: subtract(stake.paid, kept.paid), bonus: subtract(stake.bonus, kept.bonus) },
    extra,
    owed: awaits(account) ? missing : ZERO,
    overrun: awaits(account) ? ZERO : missing,
  }
}

function close(view: CloseView, closing: Closing): ClosedStep {
  const { hold, owing } = view
  const { at, why } = closing
  const wasOpen = hold.status === 'open'
  const held = wasOpen ? subtract(view.account.held, hold.amount) : view.account.held
  const account = { ...view.account, held }
  const stake = stakeOf(hold)
  const parts = split(account, stake, closing.amount)
  const { back, extra } = parts
  const settled = {
    ...account,
    paid: subtract(add(account.paid, back.paid), extra.paid),
    bonus: subtract(add(account.bonus, back.bonus), extra.bonus),
    owed: add(subtract(account.owed, stake.owed), parts.owed),
  }
  const collected = collect(settled, owing, at)
  const counts = hold.counts.map((count) => counted(count, closing))
  return {
    account: collected.account,
    deposit: null,
    hold: {
      ...hold,
      owner: null,
      counts,
      posted: true,
      status: closing.status,
      close: closeOf(closing, parts),
    },
    owing: collected.owing,
    meters: metersAfter(view, counts),
    entries: [
      ...entry({ at, why, ref: hold.id }, postingsOf(hold, stake, parts)),
      ...collected.entries,
    ],
    lost: collected.lost,
  }
}

function postingsOf(
  hold: HoldState,
  { drawer, ...stake }: Stake,
  { back, extra, kept, owed, overrun }: Split,
): readonly Posting[] {
  const { account, model, status } = hold
  const revenue: Drawer = `revenue:${model}`
  const missing = [
    ...posting(`owed:${account}`, revenue, owed),
    ...posting('loss:overrun', revenue, overrun),
  ]
  // The book does not know that its money was set aside, so only what is charged moves.
  if (!hold.posted) {
    return [
      ...posting(`paid:${account}`, revenue, add(kept.paid, extra.paid)),
      ...posting(`bonus:${account}`, revenue, add(kept.bonus, extra.bonus)),
      ...missing,
    ]
  }
  return [
    ...posting(revenue, 'loss:overrun', stake.overrun),
    ...posting(revenue, `owed:${account}`, stake.owed),
    ...(status === 'open' ? posting(drawer, revenue, add(kept.paid, kept.bonus)) : []),
    ...posting(drawer, `paid:${account}`, back.paid),
    ...posting(drawer, `bonus:${account}`, back.bonus),
    ...posting(`paid:${account}`, revenue, extra.paid),
    ...posting(`bonus:${account}`, revenue, extra.bonus),
    ...missing,
  ]
}

function closeOf(
  { at, end, quantities, usage }: Closing,
  { extra, kept, owed, overrun }: Split,
): Close {
  const paid = add(kept.paid, extra.paid)
  const bonus = add(kept.bonus, extra.bonus)
  return { at, end, usage, quantities, paid, bonus, owed, overrun }
}

/**
 * What a closed hold counts at a meter, in the unit of the limit. What was used counts, whether it
 * was paid or not.
 */
function counted(count: Count, { amount, counts, quantities }: Closing): Count {
  const { unit } = count
  if (unit === 'spend') return { ...count, counted: amount }
  if (counts === 'as_held') return count
  return { ...count, counted: counts === 'nothing' ? 0n : countOf(unit, quantities) }
}

/**
 * The hold counts at the meters of the window in which it was opened, whatever the time is now
 * (threats I12).
 */
function metersAfter({ hold, meters }: CloseView, counts: readonly Count[]): readonly Meter[] {
  return meters.flatMap((meter, i) => {
    if (meter === null) return []
    const before = hold.counts[i]?.counted ?? 0n
    const after = counts[i]?.counted ?? 0n
    const open = hold.status === 'open'
    const next = {
      key: meter.key,
      used: meter.used + after - (open ? 0n : before),
      held: meter.held - (open ? before : 0n),
    }
    assert(next.used >= 0n && next.held >= 0n, 'no meter is below zero')
    return next
  })
}
