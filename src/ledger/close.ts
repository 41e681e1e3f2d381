import { assert } from '../floor/assert.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { add, least, type Msat, msat, subtract, ZERO } from '../money/msat.ts'
import type { Charge, Closed, Drawer, Why } from './ledger.ts'
import { entry, posting } from './rule.ts'
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
 * How a hold ends: settle, release, expire. One rule closes all three, because they differ only
 * in what is charged. An expired hold was closed for want of its owner: where its owner comes
 * back, what expiry charged is the stake, and is settled anew (DESIGN 4.8).
 */

/** A hold with what its closing touches. `meters` stand in the order of the hold's counts. */
export interface CloseView {
  readonly hold: HoldState
  readonly account: Account
  /** Null where the count is of a `req` limit. */
  readonly meters: readonly (Meter | null)[]
}

export type ClosedStep = Step & { readonly hold: HoldState & { readonly close: Close } }

/** Refusals of a close; the first close stands (threats B4). */
export function closable(hold: HoldState | null): Result<HoldState, Closed> {
  if (hold === null) return err('hold_not_found')
  if (hold.status === 'settled') return err('already_settled')
  if (hold.status === 'released') return err('already_released')
  return ok(hold)
}

/** Charges what flowed. */
export const settle = (view: CloseView, charge: Charge): ClosedStep =>
  close(view, {
    ...charge,
    why: 'settle',
    status: 'settled',
    calls: 1n,
    tokens: BigInt(charge.input + charge.output),
  })

/** Gives everything back: the hold's money, its tokens, its call. */
export const release = (view: CloseView, end: string, at: number): ClosedStep =>
  close(view, { ...NOTHING, why: 'release', status: 'released', end, at })

/**
 * Charges what was journalled, gives back the rest. How many tokens that was is not known: where
 * anything flowed, the hold's tokens count in full, so that a limit comes sooner, never later.
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
    calls: view.hold.sofar === 0n ? 0n : 1n,
    tokens: view.hold.sofar === 0n ? 0n : 'as_held',
  })

const NOTHING = {
  amount: ZERO,
  usage: 'none',
  input: 0,
  cached: 0,
  output: 0,
  calls: 0n,
  tokens: 0n,
} as const

interface Closing extends Omit<Charge, 'usage'> {
  readonly usage: string
  readonly why: Why
  readonly status: 'settled' | 'released' | 'expired'
  readonly calls: bigint
  readonly tokens: bigint | 'as_held'
}

/** The money that is this hold's own, and the drawer it lies in. */
interface Stake {
  readonly drawer: Drawer
  readonly paid: Msat
  readonly bonus: Msat
  readonly overrun: Msat
}

function stakeOf({ account, bonus, close, model, paid }: HoldState): Stake {
  return close === null
    ? { drawer: `held:${account}`, paid, bonus, overrun: ZERO }
    : { drawer: `revenue:${model}`, paid: close.paid, bonus: close.bonus, overrun: close.overrun }
}

/** Where the money of a close goes. Paid-in credit is spent first, of the stake and beyond it. */
interface Split {
  /** Of the stake: what is charged, and what goes back to where it came from. */
  readonly kept: { readonly paid: Msat; readonly bonus: Msat }
  readonly back: { readonly paid: Msat; readonly bonus: Msat }
  /** Beyond the stake: taken of the account's available. */
  readonly extra: { readonly paid: Msat; readonly bonus: Msat }
  /** What nobody pays. */
  readonly overrun: Msat
}

function split(view: CloseView, stake: Stake, closing: Closing): Split {
  const own = add(stake.paid, stake.bonus)
  const kept = paidFirst(stake, least(closing.amount, own))
  const beyond = closing.amount > own ? subtract(closing.amount, own) : ZERO
  const extra = paidFirst(view.account, least(beyond, allowedBeyond(view, closing)))
  return {
    kept,
    back: { paid: subtract(stake.paid, kept.paid), bonus: subtract(stake.bonus, kept.bonus) },
    extra,
    overrun: subtract(beyond, add(extra.paid, extra.bonus)),
  }
}

function paidFirst(from: { readonly paid: Msat }, amount: Msat) {
  const paid = least(from.paid, amount)
  return { paid, bonus: subtract(amount, paid) }
}

/**
 * What may be taken beyond the stake: never another hold's money (threats B2), never past a
 * limit. Tokens that do not fit a `tokens` limit are not paid for either.
 */
function allowedBeyond(view: CloseView, { tokens }: Closing): Msat {
  let allowed = available(view.account)
  for (const [i, count] of view.hold.counts.entries()) {
    const left = roomBeyond(count, view.meters[i] ?? null)
    if (count.unit === 'spend' && left < allowed) allowed = left
    if (count.unit === 'tokens' && tokens !== 'as_held' && tokens > count.counted + left)
      return ZERO
  }
  return msat(allowed)
}

/** Room at a meter above this hold's own share, which its `used` or `held` contains. */
const roomBeyond = ({ counted, max }: Count, meter: Meter | null): bigint =>
  max - (meter === null ? counted : meter.used + meter.held)

function close(view: CloseView, closing: Closing): ClosedStep {
  const { account, hold } = view
  const { at, why } = closing
  const stake = stakeOf(hold)
  const { back, extra, kept, overrun } = split(view, stake, closing)
  const charged = { paid: add(kept.paid, extra.paid), bonus: add(kept.bonus, extra.bonus) }
  const counts = hold.counts.map((count, i) =>
    counted(count, view.meters[i] ?? null, { ...closing, charged: charged.paid + charged.bonus }),
  )
  const revenue: Drawer = `revenue:${hold.model}`
  const wasOpen = hold.status === 'open'
  return {
    account: {
      ...account,
      paid: subtract(add(account.paid, back.paid), extra.paid),
      bonus: subtract(add(account.bonus, back.bonus), extra.bonus),
      held: wasOpen ? subtract(account.held, hold.amount) : account.held,
    },
    deposit: null,
    hold: { ...hold, counts, status: closing.status, close: closeOf(closing, charged, overrun) },
    meters: metersAfter(view, counts),
    entry: entry({ at, why, ref: hold.id }, [
      ...posting(revenue, 'loss:overrun', stake.overrun),
      ...(wasOpen ? posting(stake.drawer, revenue, add(kept.paid, kept.bonus)) : []),
      ...posting(stake.drawer, `paid:${account.id}`, back.paid),
      ...posting(stake.drawer, `bonus:${account.id}`, back.bonus),
      ...posting(`paid:${account.id}`, revenue, extra.paid),
      ...posting(`bonus:${account.id}`, revenue, extra.bonus),
      ...posting('loss:overrun', revenue, overrun),
    ]),
  }
}

function closeOf(
  { at, cached, end, input, output, usage }: Closing,
  charged: { readonly paid: Msat; readonly bonus: Msat },
  overrun: Msat,
): Close {
  return { at, end, usage, input, cached, output, ...charged, overrun }
}

/** A hold's share of a meter once it is closed, in the limit's unit. A full meter stays full. */
function counted(
  count: Count,
  meter: Meter | null,
  { calls, charged, tokens }: Closing & { readonly charged: bigint },
): Count {
  const shares = { spend: charged, calls, tokens: tokens === 'as_held' ? count.counted : tokens }
  const most = count.counted + roomBeyond(count, meter)
  const share = shares[count.unit]
  return { ...count, counted: share < most ? share : most }
}

/** The same meters that the hold was counted in, whatever the time is now (threats I12). */
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
