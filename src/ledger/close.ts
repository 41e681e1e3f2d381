import { assert } from '../floor/assert.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { add, least, type Msat, msat, subtract, ZERO } from '../money/msat.ts'
import { addUsd, subtractUsd } from '../money/usd.ts'
import { countOf } from './counting.ts'
import { worth } from './dollars.ts'
import type { Posting, Why } from './entry.ts'
import type { Charge, Closed, HeldDollars } from './ledger.ts'
import { collect } from './owed.ts'
import { entry, posting, returnUsd, spendUsd } from './posting.ts'
import { NO_DOLLARS, type Split, type Stake, split, stakeOf } from './split.ts'
import {
  type Account,
  available,
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
  /** What the account has afterwards, with its dollars at the rate of the hold. */
  readonly after: Msat
}

/** Refuses a hold that cannot be closed. The first close counts (threats B4). */
export function closable(hold: HoldState | null): Result<HoldState, Closed> {
  if (hold === null) return err('hold_not_found')
  if (hold.status === 'settled') return err('already_settled')
  if (hold.status === 'released') return err('already_released')
  return ok(hold)
}

/** Charges what was used. */
export const settle = (view: CloseView, charged: Charge): ClosedStep =>
  close(view, {
    ...charged,
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

function close(view: CloseView, closing: Closing): ClosedStep {
  const { hold, owing } = view
  const { at, why } = closing
  const wasOpen = hold.status === 'open'
  const held = wasOpen ? subtract(view.account.held, hold.amount) : view.account.held
  const account = { ...view.account, held }
  const stake = stakeOf(hold)
  const { amount, usd } = closing
  const parts = split(account, stake, { amount, usd, dollars: hold.dollars })
  const { back, extra } = parts
  const settled = {
    ...account,
    ...(hold.dollars !== null && dollarsAfter(account, hold, { stake, parts })),
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
      dollars: dollarsKept(hold, closing, parts),
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
    after: worth(
      { sats: msat(available(collected.account)), usd: collected.account.usd },
      hold.dollars,
    ),
  }
}

/** The dollars of an account after a hold of it is closed. */
function dollarsAfter(
  account: Account,
  { close, dollars }: HoldState,
  { parts, stake }: { readonly stake: Stake; readonly parts: Split },
): Pick<Account, 'usd' | 'usdHeld' | 'bought'> {
  const open = close === null ? (dollars ?? NO_DOLLARS) : NO_DOLLARS
  return {
    usd: subtractUsd(addUsd(account.usd, stake.usd), parts.usd),
    usdHeld: subtractUsd(account.usdHeld, open.usd),
    bought: subtract(account.bought, open.bought),
  }
}

/** A hold that no dollars paid for need not say at which rate they would have. */
function dollarsKept(
  { dollars }: HoldState,
  { status }: Closing,
  { bought, owed, usd }: Split,
): HeldDollars | null {
  if (dollars === null || status === 'expired' || owed > 0n) return dollars
  return dollars.usd + dollars.bought + usd + bought === 0n ? null : dollars
}

function postingsOf(
  hold: HoldState,
  { drawer, ...stake }: Stake,
  { back, bought, extra, kept, owed, overrun, usd }: Split,
): readonly Posting[] {
  const { account, model, status } = hold
  const revenue = `revenue:${model}` as const
  const missing = [
    ...posting(`owed:${account}`, revenue, owed),
    ...posting('loss:overrun', revenue, overrun),
  ]
  // The book does not know that its money was set aside, so only what is charged moves.
  if (!hold.posted) {
    return [
      ...posting(`paid:${account}`, revenue, add(kept.paid, extra.paid)),
      ...posting(`bonus:${account}`, revenue, add(kept.bonus, extra.bonus)),
      ...posting('exchange:usd', revenue, bought),
      ...spendUsd(account, usd),
      ...missing,
    ]
  }
  const ofStake = least(bought, stake.bought)
  return [
    ...posting(revenue, 'loss:overrun', stake.overrun),
    ...posting(revenue, `owed:${account}`, stake.owed),
    ...(status === 'open'
      ? posting(drawer, revenue, add(add(kept.paid, kept.bonus), ofStake))
      : []),
    ...posting(drawer, `paid:${account}`, back.paid),
    ...posting(drawer, `bonus:${account}`, back.bonus),
    ...posting(drawer, 'exchange:usd', subtract(stake.bought, ofStake)),
    ...(usd < stake.usd ? returnUsd(account, subtractUsd(stake.usd, usd)) : []),
    ...posting(`paid:${account}`, revenue, extra.paid),
    ...posting(`bonus:${account}`, revenue, extra.bonus),
    ...posting('exchange:usd', revenue, subtract(bought, ofStake)),
    ...(usd > stake.usd ? spendUsd(account, subtractUsd(usd, stake.usd)) : []),
    ...missing,
  ]
}

function closeOf(
  { at, end, quantities, usage }: Closing,
  { bought, extra, kept, owed, overrun, usd }: Split,
): Close {
  const paid = add(kept.paid, extra.paid)
  const bonus = add(kept.bonus, extra.bonus)
  return { at, end, usage, quantities, paid, bonus, usd, bought, owed, overrun }
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
