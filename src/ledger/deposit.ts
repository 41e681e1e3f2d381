import type { Msat } from '../money/msat.ts'
import type { MicroUsd } from '../money/usd.ts'

/** A payment, as it is credited. */
export type Deposit = SatDeposit | UsdDeposit

export interface SatDeposit extends DepositHead, SatCredit {}
export interface UsdDeposit extends DepositHead, UsdCredit {}

interface DepositHead {
  /** A `PaymentId`. */
  readonly payment: string
  /** An `AccountId`. */
  readonly account: string
  /**
   * `l402`, `gift` and so on. The money comes from the drawer `rail:<rail>`, `grant:<rail>` or, in
   * micro-dollars, `usd-rail:<rail>`.
   */
  readonly rail: string
  /** What arrived, in its own unit, and the rate by which it became msat or micro-dollars. */
  readonly native: { readonly amount: string; readonly unit: string; readonly rate: string }
  readonly at: number
}

/** Dollars are a balance of their own. They pay for requests, and never leave as sats (threats L5). */
export interface UsdCredit {
  readonly credit: 'usd'
  readonly amount: MicroUsd
}

export interface SatCredit {
  /** Paid-in credit can be paid out again; a bonus cannot (threats I1). */
  readonly credit: 'paid' | 'bonus'
  readonly amount: Msat
  /**
   * The wallet or mint that has the sats: `lnd`, `ecash https://mint.example`. They can be withdrawn
   * from there alone (threats L9). Not set: this credit can never be withdrawn.
   */
  readonly source?: string | undefined
  /**
   * Bonus credit that a tier adds to this deposit, which is of paid-in credit then. It comes from the
   * drawer `grant:tier`, and vests in proportion as the deposit is spent (threats L10).
   */
  readonly bonus?: Msat | undefined
}
