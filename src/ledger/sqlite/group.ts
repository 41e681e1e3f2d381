import type { InvoiceRow } from '../invoices.ts'
import type { AccountId, Deposit, HoldId, PaymentId, Why } from '../ledger.ts'
import type { PassRow } from '../passes.ts'
import type { Account, HoldState, Meter } from '../state.ts'

/**
 * Rows that are not on disk yet. They are looked up before the disk, so that a cache may drop its
 * copy. They are dropped only after a successful commit.
 */
export interface Group {
  /** ms. When its first row was added; null while it is empty. */
  since: number | null
  readonly accounts: Map<AccountId, Numbered<Account>>
  readonly newAccounts: Numbered<Account>[]
  /** New drawers: name and number. */
  readonly newDrawers: Map<string, number>
  /** By how much this group's postings change each drawer, in msat. */
  readonly moves: Map<number, bigint>
  readonly deposits: Map<PaymentId, DepositRow>
  readonly holds: Map<HoldId, HoldRow>
  readonly meters: Map<string, Meter>
  readonly postings: PostingRow[]
  readonly passes: Map<string, PassRow>
  readonly invoices: Map<string, InvoiceRow>
  /** Hashes of invoices that are dropped with their passes. */
  readonly forgotten: Set<string>
  readonly facts: Map<string, string>
}

/** Rows refer to each other by `n`, which counts up from 1. */
export interface Numbered<T> {
  readonly n: number
  readonly value: T
}

export interface DepositRow extends Numbered<Deposit> {
  readonly account: number
}

export interface HoldRow extends Numbered<HoldState> {
  readonly account: number
}

export interface PostingRow {
  readonly n: number
  readonly entry: number
  readonly at: number
  readonly why: Why
  readonly deposit: number | null
  readonly hold: number | null
  readonly debit: number
  readonly credit: number
  readonly amount: bigint
}

export const emptyGroup = (): Group => ({
  since: null,
  accounts: new Map(),
  newAccounts: [],
  newDrawers: new Map(),
  moves: new Map(),
  deposits: new Map(),
  holds: new Map(),
  meters: new Map(),
  postings: [],
  passes: new Map(),
  invoices: new Map(),
  forgotten: new Set(),
  facts: new Map(),
})
