import { add, ceilDiv, least, type Msat, subtract, ZERO } from '../money/msat.ts'
import { type MicroUsd, microUsd, NO_USD, usdOf } from '../money/usd.ts'
import { type Charged, charge, type Due, satsOf } from './dollars.ts'
import type { Drawer, UsdDrawer } from './entry.ts'
import type { Charge, HeldDollars } from './ledger.ts'
import { paidFirst } from './posting.ts'
import { type Account, awaits, type HoldState } from './state.ts'

/** The money that belongs to this hold, and the drawer in which it is. */
export interface Stake {
  readonly drawer: Exclude<Drawer, UsdDrawer>
  readonly paid: Msat
  readonly bonus: Msat
  /** Dollars, and what they bought. */
  readonly usd: MicroUsd
  readonly bought: Msat
  /** What its expiry could not take. It is settled anew with the rest. */
  readonly owed: Msat
  readonly overrun: Msat
}

export function stakeOf({ account, bonus, close, dollars, model, paid }: HoldState): Stake {
  if (close !== null) return { ...close, drawer: `revenue:${model}` }
  const { bought, usd } = dollars ?? NO_DOLLARS
  return { drawer: `held:${account}`, paid, bonus, usd, bought, owed: ZERO, overrun: ZERO }
}

export const NO_DOLLARS = { usd: NO_USD, bought: ZERO }

/** Where the money of a close goes. Paid-in credit is spent first, of the stake and beyond it. */
export interface Split {
  /** Parts of the stake: what is charged, and what goes back. */
  readonly kept: { readonly paid: Msat; readonly bonus: Msat }
  readonly back: { readonly paid: Msat; readonly bonus: Msat }
  /** What is taken from the account's available money, beyond the stake. */
  readonly extra: { readonly paid: Msat; readonly bonus: Msat }
  /** All dollars that are charged, of the stake and beyond it, and what they buy. */
  readonly usd: MicroUsd
  readonly bought: Msat
  /** `owed` waits for money that may come back; `overrun` is paid by nobody. */
  readonly owed: Msat
  readonly overrun: Msat
}

/**
 * Never takes the money of another hold (threats B2). Limits do not matter here: they decided
 * whether the request was admitted (J4).
 */
export function split(
  account: Account,
  stake: Stake,
  { dollars, ...due }: Pick<Charge, 'amount' | 'usd'> & Pick<HoldState, 'dollars'>,
): Split {
  const { missing, ...charged } =
    dollars === null
      ? inSats(account, stake, due.amount)
      : charge(stake, account, dueOf(due, stake, dollars), dollars.rate)
  const { kept } = charged
  return {
    ...charged,
    back: { paid: subtract(stake.paid, kept.paid), bonus: subtract(stake.bonus, kept.bonus) },
    owed: awaits(account) ? missing : ZERO,
    overrun: awaits(account) ? ZERO : missing,
  }
}

/** A charge that no dollars pay for. */
function inSats(account: Account, stake: Stake, amount: Msat): Charged {
  const own = add(stake.paid, stake.bonus)
  const kept = paidFirst(stake, least(amount, own))
  const beyond = amount > own ? subtract(amount, own) : ZERO
  const extra = satsOf(account, beyond)
  return { ...NO_DOLLARS, kept, extra, missing: subtract(beyond, add(extra.paid, extra.bonus)) }
}

/**
 * What is due. The journal says nothing in dollars, so what it says is charged at the price that
 * the dollars of the hold had.
 */
function dueOf(
  { amount, usd }: Pick<Charge, 'amount' | 'usd'>,
  stake: Stake,
  { par, rate }: HeldDollars,
): Due {
  if (!par) return { amount, usd: null }
  if (usd !== undefined) return { amount, usd }
  const { bought } = stake
  return {
    amount,
    usd: bought === 0n ? usdOf(amount, rate) : microUsd(ceilDiv(amount * stake.usd, bought)),
  }
}
