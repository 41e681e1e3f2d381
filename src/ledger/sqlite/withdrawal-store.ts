import type { DatabaseSync } from 'node:sqlite'
import { assert } from '../../floor/assert.ts'
import { TransientMap } from '../../floor/transient-map.ts'
import { type Msat, msat } from '../../money/msat.ts'
import type { AccountId, PaymentId } from '../ledger.ts'
import type { Credited, DepositState, WithdrawalState } from '../state.ts'
import type { WithdrawalId } from '../withdrawals.ts'
import type { DepositRow, Group, Numbered, WithdrawalRow } from './group.ts'
import type { Journal } from './journal.ts'
import { nextNumber, number, type Row, reading } from './rows.ts'
import { creditedOf, depositOf, withdrawalOf } from './withdrawal-rows.ts'

/** Deposits that are read from the disk at once. */
const CHUNK = 50

/**
 * The deposits and withdrawals of a file. Rows that are not on disk yet are read from the journal's
 * groups. Open withdrawals are always in memory.
 */
export class WithdrawalStore {
  readonly #journal: Journal
  readonly #read: ReturnType<typeof lookups>
  readonly #open = new TransientMap<WithdrawalRow>()
  readonly #next: Record<'deposits' | 'withdrawals', number>

  constructor(db: DatabaseSync, journal: Journal) {
    this.#journal = journal
    this.#read = lookups(db)
    this.#next = {
      deposits: nextNumber(db, 'deposits'),
      withdrawals: nextNumber(db, 'withdrawals'),
    }
    for (const row of this.#read.open.all()) {
      const open = withdrawalRowOf(row)
      this.#open.set(open.value.id, open)
    }
  }

  deposit(payment: PaymentId): Credited | null {
    return this.#deposit(payment)?.value ?? null
  }

  /** As `Store.paidIn`. `n` is the number of the account. */
  *paidIn(account: AccountId, n: number): Iterable<DepositState> {
    const fresh = this.#unwritten(account)
    let before = Number.MAX_SAFE_INTEGER
    for (;;) {
      const rows = this.#read.paidIn.all(n, before, CHUNK).map(paidInRowOf)
      for (const row of rows) {
        while ((fresh[0]?.n ?? 0) > row.n) yield (fresh.shift() as PaidInRow).value
        if (fresh[0]?.n === row.n) yield (fresh.shift() as PaidInRow).value
        else yield row.value
        before = row.n
      }
      if (rows.length < CHUNK) break
    }
    for (const { value } of fresh) yield value
  }

  withdrawal(id: WithdrawalId): WithdrawalState | null {
    const known = this.#open.get(id) ?? this.#journal.find((group) => group.withdrawals.get(id))
    if (known !== undefined) return known.value
    const row = this.#read.withdrawal.get(id)
    return row === undefined ? null : withdrawalOf(row)
  }

  *open(): Iterable<WithdrawalState> {
    const rows = [...this.#open.values()].sort((a, b) => a.n - b.n)
    for (const { value } of rows) yield value
  }

  /** What an account has set aside. */
  leaving(account: AccountId): Msat {
    let sum = 0n
    for (const { value } of this.#open.values()) {
      if (value.account === account) sum += value.amount + value.fee
    }
    return msat(sum)
  }

  /** Returns the number of the row. */
  addDeposit(value: Credited, account: number): number {
    const n = this.#next.deposits++
    this.#journal.group.deposits.set(value.payment, { n, account, value })
    return n
  }

  changeDeposit(value: DepositState, account: number): void {
    const known = this.#deposit(value.payment)
    assert(known !== null, 'only a deposit that is there changes')
    this.#journal.group.deposits.set(value.payment, { n: known.n, account, value })
  }

  /** Returns the number of the row. */
  writeWithdrawal(value: WithdrawalState, account: number): number {
    const n = this.#open.get(value.id)?.n ?? this.#next.withdrawals++
    const row = { n, account, value }
    if (value.state === 'open') this.#open.set(value.id, row)
    else this.#open.delete(value.id)
    this.#journal.group.withdrawals.set(value.id, row)
    return n
  }

  #deposit(payment: PaymentId): DepositRow | null {
    const unwritten = this.#journal.find(({ deposits }) => deposits.get(payment))
    if (unwritten !== undefined) return unwritten
    const row = this.#read.deposit.get(payment)
    return row === undefined ? null : depositRowOf(row)
  }

  /** The account's deposits of paid-in credit that are not on disk as they are now, newest first. */
  #unwritten(account: AccountId): PaidInRow[] {
    const rows = new Map<PaymentId, PaidInRow>()
    const gather = ({ deposits }: Group): undefined => {
      for (const { n, value } of deposits.values()) {
        const { payment } = value
        if (value.account === account && value.credit === 'paid' && !rows.has(payment)) {
          rows.set(payment, { n, value })
        }
      }
    }
    this.#journal.find(gather)
    return [...rows.values()].sort((a, b) => b.n - a.n)
  }
}

type PaidInRow = Numbered<DepositState>

const depositRowOf = (row: Row): DepositRow => ({
  n: number(row, 'n'),
  account: number(row, 'account'),
  value: creditedOf(row),
})

const paidInRowOf = (row: Row): PaidInRow => ({ n: number(row, 'n'), value: depositOf(row) })

const withdrawalRowOf = (row: Row): WithdrawalRow => ({
  n: number(row, 'n'),
  account: number(row, 'account'),
  value: withdrawalOf(row),
})

const of = (table: string): string =>
  `SELECT ${table}.*, accounts.id AS account_id FROM ${table} JOIN accounts ON accounts.n = account`

const lookups = (db: DatabaseSync) => ({
  deposit: reading(db, `${of('deposits')} WHERE payment = ?`),
  paidIn: reading(
    db,
    `${of('deposits')} WHERE account = ? AND deposits.n < ? AND credit = 'paid'
      AND withdrawn < amount ORDER BY deposits.n DESC LIMIT ?`,
  ),
  withdrawal: reading(db, `${of('withdrawals')} WHERE withdrawals.id = ?`),
  open: reading(db, `${of('withdrawals')} WHERE state = 'open' ORDER BY withdrawals.n`),
})
