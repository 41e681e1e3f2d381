import type { Msat } from '../money/msat.ts'
import type { Quantities } from '../money/quantities.ts'
import type { AccountId, Deposit, Entry, OpenHold, OwnerId, Unit } from './ledger.ts'

/** What the rule looks at and what it answers with. Plain records, never changed in place. */

export interface Account {
  readonly id: AccountId
  readonly paid: Msat
  readonly bonus: Msat
  readonly held: Msat
  /** What its closed holds owe, together. While it is above zero, `paid` and `bonus` are not. */
  readonly owed: Msat
  readonly createdAt: number
}

/** A limit's counter in one window of time. `used` may pass the limit's `max`, by what flowed. */
export interface Meter {
  /** `meterKey`: the meter, its unit and its window's start. */
  readonly key: string
  readonly used: bigint
  readonly held: bigint
}

/** A hold's own share of a meter, in the window it was opened in. */
export interface Count {
  /** Null for a `req` limit: it is met by this hold alone and has no state. */
  readonly key: string | null
  readonly unit: Unit
  readonly max: bigint
  /** Held while the hold is open; used once it is closed. */
  readonly counted: bigint
}

/** An expired hold is closed for want of its owner, and still takes its owner's word. */
export type Status = 'open' | 'settled' | 'released' | 'expired'

export interface HoldState extends OpenHold {
  /** The gate that opened it. Null once it is closed: nobody asks for it then. */
  readonly owner: OwnerId | null
  readonly dialect: string
  readonly pass: string | null
  readonly counts: readonly Count[]
  readonly status: Status
  /** Null exactly while it is open. */
  readonly close: Close | null
}

export interface Close {
  readonly at: number
  readonly end: string
  readonly usage: string
  readonly quantities: Quantities
  /** What was charged, by the credit it was taken from. */
  readonly paid: Msat
  readonly bonus: Msat
  /** What was charged and is still to be taken, and what never was. */
  readonly owed: Msat
  readonly overrun: Msat
}

/** Everything one step changes: all of it is written, or none. */
export interface Step {
  readonly account: Account
  readonly deposit: Deposit | null
  readonly hold: HoldState | null
  /** Other holds of the account, closed before, whose debt was taken or given up. */
  readonly owing: readonly HoldState[]
  readonly meters: readonly Meter[]
  /** None if no money moved: a free model, a deposit of nothing. */
  readonly entries: readonly Entry[]
}

export const available = (account: Account): bigint => account.paid + account.bonus

/** A hold as the contract shows it: without what only the rule needs. */
export function openHoldOf(hold: HoldState): OpenHold {
  const { account, amount, before, bonus, clamped, deadline, granted, id } = hold
  const { model, openedAt, paid, sofar } = hold
  const money = { amount, before, paid, bonus, sofar }
  return { id, account, granted, clamped, ...money, openedAt, deadline, model }
}
