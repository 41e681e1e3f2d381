import { type Msat, msat, ZERO } from '../money/msat.ts'
import type { Quantities } from '../money/quantities.ts'
import { type MicroUsd, microUsd } from '../money/usd.ts'
import type { Deposit, SatDeposit, UsdDeposit } from './deposit.ts'
import type { Drawer, Entry } from './entry.ts'
import type { AccountId, OpenHold, OwnerId, PaymentId, Unit } from './ledger.ts'
import type { Withdrawal } from './withdrawals.ts'

/** The records that the rules read and return. They are never changed in place. */

export interface Account {
  readonly id: AccountId
  readonly paid: Msat
  readonly bonus: Msat
  readonly held: Msat
  /** Amount and fee of its open withdrawal. */
  readonly leaving: Msat
  /**
   * The sum of what its closed holds owe. While it is above zero, `paid` and `bonus` are zero, and no
   * new hold takes dollars.
   */
  readonly owed: Msat
  /** Unspent dollars. */
  readonly usd: MicroUsd
  /** The dollars that its open holds have set aside, and the part of `held` that these bought. */
  readonly usdHeld: MicroUsd
  readonly bought: Msat
  readonly createdAt: number
}

/**
 * The counter of a limit in one window of time. `used` may exceed the limit's `max`, because
 * everything that was used counts.
 */
export interface Meter {
  /** See `meterKey`: the meter, its unit and the start of its window. */
  readonly key: string
  readonly used: bigint
  readonly held: bigint
}

/** What one hold counts at a meter, in the window in which it was opened. */
export interface Count {
  /** Null for a `req` limit, which looks at this hold alone and has no meter. */
  readonly key: string | null
  readonly unit: Unit
  readonly max: bigint
  /** What is held while the hold is open, and what was used once it is closed. */
  readonly counted: bigint
}

/** An expired hold was closed because its owner was silent. Its owner can still settle or release it. */
export type Status = 'open' | 'settled' | 'released' | 'expired'

export interface HoldState extends OpenHold {
  /** The gate that opened it. Null once the hold is closed, because nobody needs it then. */
  readonly owner: OwnerId | null
  readonly dialect: string
  readonly pass: string | null
  readonly counts: readonly Count[]
  readonly status: Status
  /**
   * Whether the book knows of it. An open hold that is not posted is in memory alone: in the book its
   * money is still in `paid:` and `bonus:`, and after a crash it has never been (ADR 49).
   */
  readonly posted: boolean
  /** Null while the hold is open, and only then. */
  readonly close: Close | null
}

export interface Close {
  readonly at: number
  readonly end: string
  readonly usage: string
  readonly quantities: Quantities
  /** What was charged, by the credit from which it was taken. */
  readonly paid: Msat
  readonly bonus: Msat
  /** The dollars that paid a part of it, and that part in msat. */
  readonly usd: MicroUsd
  readonly bought: Msat
  /** Charged but not yet taken, and charged but never paid. */
  readonly owed: Msat
  readonly overrun: Msat
}

/** A deposit of paid-in credit, and how much of it has left or is leaving. */
export interface DepositState extends SatDeposit {
  readonly withdrawn: Msat
}

/** A payment that was credited. Dollars never leave, so nothing more is known of their deposits. */
export type Credited = DepositState | UsdDeposit

/** A payment as it is when it was just credited. */
export const credited = (deposit: Deposit): Credited =>
  deposit.credit === 'usd' ? deposit : { ...deposit, withdrawn: ZERO }

/** Credit of one deposit. */
export interface Part {
  readonly payment: PaymentId
  readonly amount: Msat
}

export interface WithdrawalState extends Withdrawal {
  /** What it took of which deposits, those that it took first in front. Empty once it has failed. */
  readonly parts: readonly Part[]
  /**
   * The bonus that it took back because it had not vested: out of bonus credit, and `instead` out of
   * paid-in credit, because that bonus was spent although paid-in credit was there.
   */
  readonly bonus: Msat
  readonly instead: Msat
  /** What it cost beyond what the account had. */
  readonly overrun: Msat
}

/** Everything that one step changes. All of it is written, or nothing. */
export interface Step {
  readonly account: Account
  readonly deposit: Deposit | null
  readonly hold: HoldState | null
  /** Other closed holds of the account whose debt was taken or given up. */
  readonly owing: readonly HoldState[]
  readonly meters: readonly Meter[]
  readonly withdrawal?: WithdrawalState
  /** Deposits that were credited before and change: more or less of them is withdrawn. */
  readonly deposits?: readonly DepositState[]
  /** Empty if no money moved, for example for a free model. */
  readonly entries: readonly Entry[]
}

/** What pays for any request. Dollars pay only where a rate is known (`dollars.ts`). */
export const available = (account: Account): bigint => account.paid + account.bonus

/** The dollars that these open holds have set aside, and what they bought. */
export function dollarsHeld(holds: Iterable<HoldState>): Pick<Account, 'usdHeld' | 'bought'> {
  let [usdHeld, bought] = [0n, 0n]
  for (const { dollars } of holds) {
    usdHeld += dollars?.usd ?? 0n
    bought += dollars?.bought ?? 0n
  }
  return { usdHeld: microUsd(usdHeld), bought: msat(bought) }
}

/** The drawers of an account in the book, and what each of them says. */
export const drawersOf = (account: Account): readonly (readonly [Drawer, bigint])[] => [
  [`paid:${account.id}`, account.paid],
  [`bonus:${account.id}`, account.bonus],
  [`held:${account.id}`, account.held],
  [`leaving:${account.id}`, account.leaving],
  [`owed:${account.id}`, -account.owed],
  [`usd:${account.id}`, account.usd],
]

/** What all accounts have in dollars after one of them has changed, with what open holds have of them. */
export function outstanding(all: MicroUsd, was: Account | undefined, is: Account): MicroUsd {
  if (was === undefined) return microUsd(all + is.usd + is.usdHeld)
  if (was.usd === is.usd && was.usdHeld === is.usdHeld) return all
  return microUsd(all - was.usd - was.usdHeld + is.usd + is.usdHeld)
}

/**
 * Whether money of the account may come back: from running requests, or from a withdrawal that may
 * fail. Debts wait for it.
 */
export const awaits = ({ held, leaving }: Account): boolean => held > 0n || leaving > 0n

/** A hold as the contract shows it. */
export function openHoldOf(hold: HoldState): OpenHold {
  const { account, amount, before, bonus, clamped, deadline, dollars, granted, id } = hold
  const { model, openedAt, paid, sofar } = hold
  const money = { amount, before, paid, bonus, dollars, sofar }
  return { id, account, granted, clamped, ...money, openedAt, deadline, model }
}
