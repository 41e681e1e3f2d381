import type { InvoiceRow } from '../invoices.ts'
import type { AccountId, HoldId, PaymentId } from '../ledger.ts'
import type { PassRow } from '../passes.ts'
import type { RevokedRow, Rotation } from '../revocations.ts'
import type { Account, Credited, HoldState, Meter, WithdrawalState } from '../state.ts'
import type { WithdrawalId } from '../withdrawals.ts'

/**
 * Rows that are not on disk yet and go there in one transaction. They are looked up before the disk,
 * so that a cache may drop its copy. They are dropped only when the writer has said that they are on
 * disk.
 */
export interface Group {
  /** ms of `elapsed`. When its first row was added; null while it is empty. */
  since: number | null
  readonly accounts: Map<AccountId, Numbered<Account>>
  readonly newAccounts: Numbered<Account>[]
  /** New drawers: name and number. */
  readonly newDrawers: Map<string, number>
  /** By how much this group's postings change each drawer, in its unit. */
  readonly moves: Map<number, bigint>
  readonly deposits: Map<PaymentId, DepositRow>
  readonly holds: Map<HoldId, HoldRow>
  readonly withdrawals: Map<WithdrawalId, WithdrawalRow>
  readonly meters: Map<string, Meter>
  /** The cells of `POSTING_COLUMNS` for one posting after those of another. */
  readonly postings: JsonCell[]
  /** The same of `WITHDRAWAL_POSTING_COLUMNS`. */
  readonly withdrawalPostings: JsonCell[]
  readonly passes: Map<string, PassRow>
  readonly invoices: Map<string, InvoiceRow>
  /** Hashes of invoices that are dropped with their passes. */
  readonly forgotten: Set<string>
  readonly facts: Map<string, string>
  readonly revoked: Map<string, RevokedRow>
  readonly rotations: Map<AccountId, Rotation>
}

/** A cell on its way to the disk. JSON has no bigint (`jsonCell` in `rows.ts`). */
export type JsonCell = string | number | null

/** Rows refer to each other by `n`, which counts up from 1. */
export interface Numbered<T> {
  readonly n: number
  readonly value: T
}

export interface DepositRow extends Numbered<Credited> {
  readonly account: number
}

export interface HoldRow extends Numbered<HoldState> {
  readonly account: number
}

export interface WithdrawalRow extends Numbered<WithdrawalState> {
  readonly account: number
}

export const emptyGroup = (): Group => ({
  since: null,
  accounts: new Map(),
  newAccounts: [],
  newDrawers: new Map(),
  moves: new Map(),
  deposits: new Map(),
  holds: new Map(),
  withdrawals: new Map(),
  meters: new Map(),
  postings: [],
  withdrawalPostings: [],
  passes: new Map(),
  invoices: new Map(),
  forgotten: new Set(),
  facts: new Map(),
  revoked: new Map(),
  rotations: new Map(),
})
