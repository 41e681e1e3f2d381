import { ZERO } from '../money/msat.ts'
import { usdOf } from '../money/usd.ts'
import { type Drawer, isInUsd, unitOf } from './entry.ts'
import type { HeldDollars, HoldId } from './ledger.ts'
import type { Close, DepositState, HoldState, Meter, WithdrawalState } from './state.ts'
import { takenBack } from './withdrawable.ts'

/**
 * The rules that books must obey. Each function returns a sentence for each rule that is broken.
 * Adapters collect the figures in their own way (a map, a query); the rules are here only once.
 */

/** The sums of the postings of one hold, in msat; `usd` and `spent` in micro-dollars. */
export interface Posted {
  /** What is still in `held:` for this hold. */
  readonly held: bigint
  /** What went into `revenue:`, less what was taken back. */
  readonly revenue: bigint
  /** What came out of `loss:overrun`, less what was put back. */
  readonly overrun: bigint
  /** What came out of `owed:`, less what was collected. */
  readonly owed: bigint
  /** What came out of `paid:` and `bonus:`, less what was given back. */
  readonly paid: bigint
  readonly bonus: bigint
  /** What came out of `exchange:usd`, less what was put back. */
  readonly bought: bigint
  /** What came out of `usd:`, and what went into `usd-spent:`, less what was given back. */
  readonly usd: bigint
  readonly spent: bigint
}

export const NOTHING_POSTED: Posted = {
  held: 0n,
  revenue: 0n,
  overrun: 0n,
  owed: 0n,
  paid: 0n,
  bonus: 0n,
  bought: 0n,
  usd: 0n,
  spent: 0n,
}

/** Adds a posting. `held`, `revenue` and `spent` count what goes in, the others what goes out. */
export function moveHold(
  sum: { -readonly [Part in keyof Posted]: bigint },
  kind: string,
  by: bigint,
): void {
  if (kind === 'held' || kind === 'revenue') sum[kind] += by
  else if (kind === 'paid' || kind === 'bonus' || kind === 'owed' || kind === 'usd') sum[kind] -= by
  else if (kind === 'loss') sum.overrun -= by
  else if (kind === 'exchange') sum.bought -= by
  else if (kind === 'usd-spent') sum.spent += by
}

/** What the sums of a hold must be. */
function expected({ amount, bonus, close, dollars, paid }: HoldState): Posted {
  if (close === null) {
    const { bought, usd } = dollars ?? { bought: 0n, usd: 0n }
    return { ...NOTHING_POSTED, held: amount, paid, bonus, bought, usd, spent: usd }
  }
  const { bought, overrun, owed, usd } = close
  const revenue = close.paid + close.bonus + bought + owed + overrun
  const sats = { paid: close.paid, bonus: close.bonus }
  return { held: 0n, revenue, overrun, owed, ...sats, bought, usd, spent: usd }
}

const IN_MSAT = ['held', 'revenue', 'overrun', 'owed', 'paid', 'bonus', 'bought'] as const

/** Compares a hold with its postings. */
export function* doubtHold(hold: HoldState, posted: Posted): Iterable<string> {
  const right = expected(hold)
  for (const part of IN_MSAT) {
    if (posted[part] !== right[part]) {
      const says = `hold ${hold.id} (${hold.status}) says ${part} ${right[part]} msat`
      yield `${says}, its postings say ${posted[part]}`
    }
  }
  for (const part of ['usd', 'spent'] as const) {
    if (posted[part] !== right[part]) {
      const says = `hold ${hold.id} (${hold.status}) says ${part} ${right[part]} micro-dollars`
      yield `${says}, its postings say ${posted[part]}`
    }
  }
  if (hold.dollars !== null) yield* doubtRate(hold.id, hold.dollars, hold.close)
}

/** A price in sats changes dollars at the rate of its hold, rounded up once. */
function* doubtRate(id: HoldId, held: HeldDollars, close: Close | null): Iterable<string> {
  if (held.par) return
  for (const { bought, usd } of close === null ? [held] : [held, close]) {
    const right = usdOf(bought, held.rate)
    if (usd !== right) {
      yield `hold ${id} took ${usd} micro-dollars for ${bought} msat, its rate says ${right}`
    }
  }
}

/** The sums of the postings of one withdrawal, in msat. */
export interface PostedLeaving {
  /** What is still in `leaving:` for it. */
  readonly leaving: bigint
  /** What went into `sent:`. */
  readonly sent: bigint
  /** What came out of `paid:` and `bonus:`, less what was given back. */
  readonly paid: bigint
  readonly bonus: bigint
  /** What came out of `loss:overrun`. */
  readonly overrun: bigint
  /** What went into `grant:tier`, less what was given again. */
  readonly grant: bigint
}

export const NOTHING_LEAVING: PostedLeaving = {
  leaving: 0n,
  sent: 0n,
  paid: 0n,
  bonus: 0n,
  overrun: 0n,
  grant: 0n,
}

/** Adds a posting. `leaving`, `sent` and `grant` count what goes in, the others what goes out. */
export function moveLeaving(
  sum: { -readonly [Part in keyof PostedLeaving]: bigint },
  kind: string,
  by: bigint,
): void {
  if (kind === 'leaving' || kind === 'sent' || kind === 'grant') sum[kind] += by
  else if (kind === 'paid' || kind === 'bonus') sum[kind] -= by
  else if (kind === 'loss') sum.overrun -= by
}

/** What a withdrawal has taken out of deposits. */
function takenBy({ amount, fee, overrun, paidFee, state }: WithdrawalState): bigint {
  if (state === 'failed') return 0n
  return paidFee === null ? amount + fee : amount + paidFee - overrun
}

/** Compares a withdrawal with its postings, and with the parts of deposits that it names. */
export function* doubtWithdrawal(
  withdrawal: WithdrawalState,
  posted: PostedLeaving,
): Iterable<string> {
  const { amount, bonus, id, instead, overrun, paidFee, parts, state } = withdrawal
  const taken = takenBy(withdrawal)
  const right: PostedLeaving = {
    leaving: state === 'open' ? taken : 0n,
    sent: paidFee === null ? 0n : amount + paidFee,
    paid: taken + instead,
    bonus,
    overrun,
    grant: bonus + instead,
  }
  for (const part of ['leaving', 'sent', 'paid', 'bonus', 'overrun', 'grant'] as const) {
    if (posted[part] !== right[part]) {
      const says = `withdrawal ${id} (${state}) says ${part} ${right[part]} msat`
      yield `${says}, its postings say ${posted[part]}`
    }
  }
  const sum = parts.reduce((all, part) => all + part.amount, 0n)
  if (sum !== taken) yield `withdrawal ${id} takes ${taken} msat, its parts say ${sum}`
}

/** Compares what has left of a deposit with the withdrawals that took it. */
export function* doubtDeposit(
  { amount, payment, withdrawn }: Pick<DepositState, 'payment' | 'amount' | 'withdrawn'>,
  taken: bigint,
): Iterable<string> {
  if (withdrawn > amount) {
    yield `deposit ${payment} is of ${amount} msat, and ${withdrawn} of it left`
  }
  if (withdrawn !== taken) {
    yield `deposit ${payment} says that ${withdrawn} msat left, its withdrawals say ${taken}`
  }
}

/** Compares what all withdrawals of an account took back of bonuses with what had not vested. */
export function* doubtVesting(account: string, took: bigint, right: bigint): Iterable<string> {
  if (took !== right) {
    yield `withdrawals of ${account} took back ${took} msat of bonus, its deposits say ${right}`
  }
}

/** The bonus that has been taken back of a deposit. */
export const tookBack = (deposit: DepositState): bigint =>
  deposit.withdrawn === 0n ? 0n : takenBack({ ...deposit, withdrawn: ZERO }, deposit.withdrawn)

const kindOf = (drawer: Drawer): string => drawer.slice(0, drawer.indexOf(':'))

/** Compares the stored balance of a drawer with the sum of its postings. */
export function* doubtDrawer(drawer: Drawer, stored: bigint, posted: bigint): Iterable<string> {
  const unit = unitOf(drawer)
  if (stored !== posted) {
    yield `drawer ${drawer} says ${stored} ${unit}, its postings say ${posted}`
  }
  if (posted < 0n && !mayOwe(drawer)) yield `drawer ${drawer} is at ${posted} ${unit}, below zero`
  if (posted > 0n && neverHas(drawer)) yield `drawer ${drawer} is at ${posted} ${unit}, above zero`
}

/** Drawers that may be below zero: where money comes from, losses, and debts. */
const mayOwe = (drawer: Drawer): boolean =>
  drawer === 'loss:overrun' || /^(?:rail|grant|owed|usd-rail|exchange):/.test(drawer)

/** Drawers that are never above zero, besides debts. */
const neverHas = (drawer: Drawer): boolean => /^(?:usd-rail|exchange):/.test(drawer)

/** No posting connects drawers of two units. */
export function* doubtUnits(ref: string, debit: string, credit: string): Iterable<string> {
  if (isInUsd(`${debit}:`) !== isInUsd(`${credit}:`)) {
    yield `a posting of ${ref} moves money from ${debit}: to ${credit}:, which has another unit`
  }
}

/** Compares the `held:` drawer of an account with its open holds. */
export function* doubtHeld(drawer: Drawer, stored: bigint, open: bigint): Iterable<string> {
  if (stored !== open) yield `drawer ${drawer} says ${stored} msat, its open holds say ${open}`
}

/** Compares the `leaving:` drawer of an account with its open withdrawal. */
export function* doubtLeaving(drawer: Drawer, stored: bigint, open: bigint): Iterable<string> {
  if (stored !== open)
    yield `drawer ${drawer} says ${stored} msat, its open withdrawal says ${open}`
}

/**
 * Compares the `owed:` drawer of an account with the debts of its closed holds. It is never above
 * zero.
 */
export function* doubtOwed(drawer: Drawer, stored: bigint, owed: bigint): Iterable<string> {
  if (stored > 0n) yield `drawer ${drawer} is at ${stored} msat, above zero`
  if (stored !== owed) yield `drawer ${drawer} says ${stored} msat, its closed holds say ${owed}`
}

/** Compares a meter with the holds that count at it. */
export function* doubtMeter(stored: Meter, counted: Meter): Iterable<string> {
  const { key } = stored
  if (stored.used < 0n || stored.held < 0n) yield `meter ${key} is below zero`
  if (stored.used !== counted.used || stored.held !== counted.held) {
    const says = `meter ${key} says ${stored.used} used and ${stored.held} held`
    yield `${says}, its holds say ${counted.used} and ${counted.held}`
  }
}

/** Checks that hold for every posting. */
export function* doubtPosting(
  ref: string | HoldId,
  { amount, credit, debit }: { debit: Drawer; credit: Drawer; amount: bigint },
): Iterable<string> {
  if (amount <= 0n) yield `a posting of ${ref} moves ${amount} msat`
  if (debit === credit) yield `a posting of ${ref} moves money from ${debit} to itself`
  yield* doubtUnits(ref, kindOf(debit), kindOf(credit))
}
