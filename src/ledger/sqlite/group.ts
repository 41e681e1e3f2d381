import type { InvoiceRow } from '../invoices.ts'
import type { AccountId, Deposit, HoldId, PaymentId, Why } from '../ledger.ts'
import type { PassRow } from '../passes.ts'
import type { Account, HoldState, Meter } from '../state.ts'

/**
 * What is not on disk yet. It is read before the disk is, so that evicting a copy from a cache
 * loses nothing, and it is dropped only when a commit has succeeded.
 */
export interface Group {
  /** When its first row came; null while it is empty. */
  since: number | null
  readonly accounts: Map<AccountId, Numbered<Account>>
  readonly newAccounts: Numbered<Account>[]
  /** Names of drawers that are new. */
  readonly newDrawers: Map<string, number>
  /** By how much the postings of this group move each drawer, in msat. */
  readonly moves: Map<number, bigint>
  readonly deposits: Map<PaymentId, DepositRow>
  readonly holds: Map<HoldId, HoldRow>
  readonly meters: Map<string, Meter>
  readonly postings: PostingRow[]
  readonly passes: Map<string, PassRow>
  readonly invoices: Map<string, InvoiceRow>
  /** Hashes of invoices that are dropped, each with its pass. */
  readonly forgotten: Set<string>
  readonly facts: Map<string, string>
}

/** Rows name each other by `n`, counted up from 1. */
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
