import type { DatabaseSync } from 'node:sqlite'
import { msat, ZERO } from '../../money/msat.ts'
import type { Quantity } from '../../money/quantities.ts'
import { QUANTITIES, type Quantities } from '../../money/quantities.ts'
import { microUsd } from '../../money/usd.ts'
import type { Drawer } from '../entry.ts'
import type { AccountId, PaymentId } from '../ledger.ts'
import { MOST_ROWS } from '../open-ledger.ts'
import { openHoldOf } from '../state.ts'
import { checkFile } from './check.ts'
import { openSnapshot } from './database.ts'
import { newestEntries } from './entries.ts'
import { owedBySource } from './owed-by-source.ts'
import { type Cell, holdOf, money, number, passOf, type Row, reading, text, whole } from './rows.ts'
import { type Told, verify } from './verify.ts'

/**
 * Reads a ledger file, each time through a connection of its own that sees one moment of the file.
 * Everything here runs to its end at once, so a running gate calls it on another thread
 * (`reader.ts`). No answer has more than `MOST_ROWS` rows, but for the sums by day.
 */
export class Reads {
  readonly #path: string
  /** The moment of which `verify` speaks. */
  #moment: DatabaseSync | null = null
  readonly #expected = new Map<Drawer, bigint>()

  constructor(path: string) {
    this.#path = path
  }

  accounts(limit: number, of: AccountId | null, before: AccountId | null) {
    return this.#all(ACCOUNTS, most(limit), of, before).map((row) => ({
      account: text(row, 'id'),
      paid: money(row, 'paid'),
      bonus: money(row, 'bonus'),
      held: money(row, 'held'),
      leaving: money(row, 'leaving'),
      owed: msat(-whole(row, 'owed')),
      available: msat(whole(row, 'paid') + whole(row, 'bonus')),
      usd: microUsd(whole(row, 'usd')),
      createdAt: number(row, 'created_at'),
    }))
  }

  holds(limit: number, of: AccountId | null, before: string | null) {
    const rows = this.#all(OPEN_HOLDS, most(limit), of, before)
    return rows.map((row) => openHoldOf(holdOf(row)))
  }

  passes(limit: number, of: AccountId | null, before: string | null) {
    return this.#all(PASSES, most(limit), of, before).map((row) => ({
      row: passOf(row),
      rail: typeof row.rail === 'string' ? row.rail : null,
      available: msat(whole(row, 'paid') + whole(row, 'bonus')),
    }))
  }

  entries(limit: number, of: AccountId | null, before: number | null) {
    return this.#over((db) => newestEntries(db, { limit: most(limit), of, before }))
  }

  /** The ids of accounts, in the order in which they were opened, that come after `after`. */
  ids(limit: number, after: AccountId | null): readonly AccountId[] {
    return this.#all(IDS, most(limit), after).map((row) => text(row, 'id'))
  }

  earnings() {
    return this.#all(EARNINGS).map((row) => ({
      day: text(row, 'date'),
      model: text(row, 'model'),
      requests: number(row, 'requests'),
      quantities: quantitiesIn(row),
      earned: money(row, 'earned'),
      overrun: money(row, 'overrun'),
    }))
  }

  earnedBy(models: number) {
    const rows = this.#all(EARNED_BY_MODEL, models)
    return rows.map((row) => ({ model: text(row, 'model'), earned: money(row, 'earned') }))
  }

  income() {
    return this.#all(INCOME).map((row) => ({
      day: text(row, 'date'),
      rail: text(row, 'rail'),
      payments: number(row, 'payments'),
      ...incomeOf(text(row, 'credit'), whole(row, 'amount')),
    }))
  }

  outgo() {
    return this.#all(OUTGO).map((row) => ({
      day: text(row, 'date'),
      source: text(row, 'source'),
      withdrawals: number(row, 'withdrawals'),
      amount: money(row, 'amount'),
      fees: money(row, 'fees'),
    }))
  }

  owedBySource() {
    return this.#over(owedBySource)
  }

  paymentsOf(source: string, limit: number, before: PaymentId | null) {
    const rows = this.#all(PAYMENTS, source, before, most(limit))
    return rows.map((row) => text(row, 'payment'))
  }

  owed() {
    const [row] = this.#all(OWED)
    return row === undefined ? ZERO : money(row, 'owed')
  }

  /** Fixes the moment that `verify` proves. */
  open(): void {
    this.close()
    this.#moment = openSnapshot(this.#path)
  }

  /** What drawers must say at that moment. */
  expect(drawers: readonly (readonly [Drawer, bigint])[]): void {
    for (const [drawer, balance] of drawers) this.#expected.set(drawer, balance)
  }

  verify(told: Told) {
    const db = this.#moment ?? openSnapshot(this.#path)
    this.#moment = db
    const proof = verify(db, this.#expected, told)
    this.close()
    return proof
  }

  check(): string | null {
    return this.#over(checkFile)
  }

  close(): void {
    this.#moment?.close()
    this.#moment = null
    this.#expected.clear()
  }

  #all(sql: string, ...cells: Cell[]): Row[] {
    return this.#over((db) => reading(db, sql).all(...cells))
  }

  #over<T>(read: (db: DatabaseSync) => T): T {
    const db = openSnapshot(this.#path)
    try {
      return read(db)
    } finally {
      db.close()
    }
  }
}

const incomeOf = (credit: string, amount: bigint) =>
  credit === 'usd'
    ? { credit: 'usd' as const, amount: microUsd(amount) }
    : { credit: credit as 'paid' | 'bonus', amount: msat(amount) }

const most = (limit: number): number => Math.min(limit, MOST_ROWS)

/** A quantity that no request has used is not there. */
function quantitiesIn(row: Row): Quantities {
  const quantities: Partial<Record<Quantity, number>> = {}
  for (const name of QUANTITIES) if (row[name] !== null) quantities[name] = number(row, name)
  return quantities
}

const balanceOf = (drawer: string, id = 'id'): string =>
  `coalesce((SELECT balance FROM drawers WHERE name = '${drawer}:' || ${id}), 0) AS ${drawer}`

const ACCOUNTS = `
  SELECT id, created_at, ${balanceOf('paid')}, ${balanceOf('bonus')}, ${balanceOf('held')},
    ${balanceOf('owed')}, ${balanceOf('leaving')}, ${balanceOf('usd')}
  FROM accounts WHERE (?2 IS NULL OR id = ?2)
    AND (?3 IS NULL OR n < (SELECT n FROM accounts WHERE id = ?3))
  ORDER BY n DESC LIMIT ?1`

const PASSES = `
  WITH at AS (
    SELECT n, created_at, hash FROM (SELECT accounts.n, passes.created_at, passes.hash
      FROM passes JOIN accounts ON accounts.id = passes.account WHERE passes.hash = ?3)
  )
  SELECT passes.*, deposits.rail, ${balanceOf('paid', 'accounts.id')}, ${balanceOf('bonus', 'accounts.id')}
  FROM accounts JOIN passes ON passes.account = accounts.id
    LEFT JOIN deposits ON deposits.payment = passes.payment
  WHERE (?2 IS NULL OR accounts.id = ?2)
    AND (?3 IS NULL OR (accounts.n, passes.created_at, passes.hash) < (SELECT * FROM at))
  ORDER BY accounts.n DESC, passes.created_at DESC, passes.hash DESC LIMIT ?1`

const OPEN_HOLDS = `
  SELECT holds.*, accounts.id AS account_id FROM holds JOIN accounts ON accounts.n = account
  WHERE status = 'open' AND (?2 IS NULL OR accounts.id = ?2)
    AND (?3 IS NULL OR holds.n < (SELECT n FROM holds WHERE id = ?3))
  ORDER BY holds.n DESC LIMIT ?1`

const IDS = `
  SELECT id FROM accounts WHERE n > coalesce((SELECT n FROM accounts WHERE id = ?2), 0)
  ORDER BY n LIMIT ?1`

const DATE = "date(day * 86400, 'unixepoch') AS date"

const EARNINGS = `SELECT *, ${DATE} FROM earnings WHERE requests > 0 ORDER BY day DESC, model`

/** The models that earned most, and all others as one with an empty name. */
const EARNED_BY_MODEL = `
  WITH sums AS (
    SELECT model, sum(earned) AS earned, row_number() OVER (ORDER BY sum(earned) DESC, model) AS place
    FROM earnings GROUP BY model
  )
  SELECT iif(place <= ?1, model, '') AS model, sum(earned) AS earned FROM sums
  GROUP BY 1 ORDER BY earned DESC`

const INCOME = `SELECT *, ${DATE} FROM income ORDER BY day DESC, rail, credit DESC`

const OUTGO = `SELECT *, ${DATE} FROM outgo ORDER BY day DESC, source`

const PAYMENTS = `
  SELECT payment FROM deposits WHERE source = ?1 AND withdrawn < amount
    AND (?2 IS NULL OR n < (SELECT n FROM deposits WHERE payment = ?2)) ORDER BY n DESC LIMIT ?3`

const OWED = `
  SELECT (SELECT sum(msat) FROM totals WHERE kind IN ('paid', 'leaving'))
    + (SELECT coalesce(sum(paid), 0) FROM holds WHERE status = 'open') AS owed`
