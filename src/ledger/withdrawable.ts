import { add, ceilDiv, least, type Msat, msat, subtract, ZERO } from '../money/msat.ts'
import type { Account, DepositState, Part } from './state.ts'
import type { Withdrawable } from './withdrawals.ts'

/**
 * What may leave an account: the one rule of withdrawals, change and refunds (threats L9, L10, L11).
 *
 * Spending takes paid-in credit from the oldest deposit on, and a hold that settles gives back in the
 * reverse order. So the unspent paid-in credit of an account is always the end of its deposits, and
 * nothing is noted at a deposit while money is spent. A deposit counts without what has left of it.
 */

/** Unspent credit of one deposit. */
export interface Unspent {
  readonly deposit: DepositState
  readonly amount: Msat
}

/** The deposits whose credit makes up `paid`, newest first. `deposits` are the account's, newest first. */
export function unspent(paid: Msat, deposits: Iterable<DepositState>): readonly Unspent[] {
  const found: Unspent[] = []
  let left = paid
  if (left === 0n) return found
  for (const deposit of deposits) {
    const amount = least(subtract(deposit.amount, deposit.withdrawn), left)
    if (amount > 0n) found.push({ deposit, amount })
    left = subtract(left, amount)
    if (left === 0n) break
  }
  return found
}

/**
 * The bonus that has been taken back when `withdrawn` of a deposit has left: its bonus in proportion,
 * rounded up. A deposit that has left whole has left without any bonus.
 */
const unvested = ({ amount, bonus = ZERO }: DepositState, withdrawn: Msat): Msat =>
  bonus === 0n ? ZERO : msat(ceilDiv(bonus * withdrawn, amount))

/** The bonus that is taken back if so much more of a deposit leaves. */
export const takenBack = (deposit: DepositState, more: Msat): Msat =>
  subtract(unvested(deposit, add(deposit.withdrawn, more)), unvested(deposit, deposit.withdrawn))

/**
 * The unspent credit that may leave, newest deposit first. What is held, owed, given or bonus is no
 * paid-in credit that is free, and credit without a source is never in the result. If bonus credit was
 * spent although it had not vested (paid-in credit was held then, and came back), paid-in credit stays
 * in its place, the oldest first.
 */
function mayLeave(
  account: Pick<Account, 'paid' | 'bonus'>,
  deposits: Iterable<DepositState>,
): readonly Unspent[] {
  const leaving: Unspent[] = []
  let [free, bonus] = [account.paid, account.bonus]
  for (const { amount: all, deposit } of unspent(account.paid, deposits)) {
    if (deposit.source === undefined) continue
    const amount = most(deposit, all, { free, bonus })
    const back = takenBack(deposit, amount)
    const fromBonus = least(back, bonus)
    bonus = subtract(bonus, fromBonus)
    free = subtract(free, add(amount, subtract(back, fromBonus)))
    if (amount > 0n) leaving.push({ deposit, amount })
  }
  return leaving
}

/**
 * The largest part of a deposit, up to `all`, that may leave if `free` paid-in credit pays for it and for
 * the bonus to be taken back which `bonus` does not cover.
 */
function most(
  deposit: DepositState,
  all: Msat,
  { bonus, free }: { readonly free: Msat; readonly bonus: Msat },
): Msat {
  const fits = (part: bigint): boolean => {
    const back = takenBack(deposit, msat(part))
    return part + (back > bonus ? back - bonus : 0n) <= free
  }
  if (fits(all)) return all
  let [good, bad]: [bigint, bigint] = [0n, all]
  while (bad - good > 1n) {
    const middle = (good + bad) / 2n
    if (fits(middle)) good = middle
    else bad = middle
  }
  return msat(good)
}

/** What may leave, by source; the source of the newest deposit is in front. */
export function withdrawable(
  account: Pick<Account, 'paid' | 'bonus'>,
  deposits: Iterable<DepositState>,
): readonly Withdrawable[] {
  const sums = new Map<string, Msat>()
  for (const { amount, deposit } of mayLeave(account, deposits)) {
    const { source = '' } = deposit
    sums.set(source, add(sums.get(source) ?? ZERO, amount))
  }
  return [...sums].map(([source, amount]) => ({ source, amount }))
}

/** Credit that is taken out of deposits of one source, and the bonus that goes back for it. */
export interface Taken {
  readonly parts: readonly Part[]
  readonly deposits: readonly DepositState[]
  readonly amount: Msat
  readonly bonus: Msat
  /** Taken from paid-in credit instead of bonus, which was spent before it had vested. */
  readonly instead: Msat
}

/** Takes as much as may leave from that source, up to `most`, the newest deposit first. */
export function take(
  account: Account,
  deposits: Iterable<DepositState>,
  { most, source }: { readonly source: string; readonly most: Msat },
): Taken {
  const parts: Part[] = []
  const changed: DepositState[] = []
  let [left, back] = [most, ZERO]
  for (const { amount, deposit } of mayLeave(account, deposits)) {
    if (deposit.source !== source || left === 0n) continue
    const part = least(amount, left)
    left = subtract(left, part)
    back = add(back, takenBack(deposit, part))
    parts.push({ payment: deposit.payment, amount: part })
    changed.push({ ...deposit, withdrawn: add(deposit.withdrawn, part) })
  }
  const bonus = least(back, account.bonus)
  return {
    parts,
    deposits: changed,
    amount: subtract(most, left),
    bonus,
    instead: subtract(back, bonus),
  }
}

/** Credit that goes back to the deposits that it came from, and bonus that is given again. */
export interface GivenBack {
  /** The parts that stay taken. */
  readonly parts: readonly Part[]
  readonly deposits: readonly DepositState[]
  /** The bonus that is given again. */
  readonly bonus: Msat
}

/** Gives back, first what was taken last. `deposits` are those of the parts, in any order. */
export function giveBack(
  parts: readonly Part[],
  deposits: readonly DepositState[],
  amount: Msat,
): GivenBack {
  const byPayment = new Map(deposits.map((deposit) => [deposit.payment, deposit]))
  const kept: Part[] = []
  let [left, bonus] = [amount, ZERO]
  for (const part of parts.toReversed()) {
    const back = least(part.amount, left)
    left = subtract(left, back)
    if (part.amount > back) kept.unshift({ ...part, amount: subtract(part.amount, back) })
    const deposit = byPayment.get(part.payment)
    if (deposit === undefined || back === 0n) continue
    const after = { ...deposit, withdrawn: subtract(deposit.withdrawn, back) }
    bonus = add(bonus, takenBack(after, back))
    byPayment.set(part.payment, after)
  }
  return { parts: kept, deposits: [...byPayment.values()], bonus }
}
