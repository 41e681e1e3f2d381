import type { DatabaseSync } from 'node:sqlite'
import type { Result } from '../../floor/result.ts'
import { msat, ZERO } from '../../money/msat.ts'
import type { Proof, Statement } from '../books.ts'
import type { Drawer, Entry, Posting, Why } from '../ledger.ts'
import { openHoldOf } from '../state.ts'
import { openSnapshot } from './database.ts'
import { holdOf, money, number, type Row, text, whole } from './rows.ts'
import { verify } from './verify.ts'

export interface StatementParts {
  readonly path: string
  /** Puts what is on its way on disk, where that can be done. */
  readonly commit: () => boolean
  /** What memory says of an account, to be compared with what is on disk. */
  readonly inMemory: () => ReadonlyMap<Drawer, bigint>
}

/** The read-only views of a ledger file: over a connection of their own, each over one moment. */
export class SqliteStatement implements Statement {
  readonly #parts: StatementParts

  constructor(parts: StatementParts) {
    this.#parts = parts
  }

  async accounts(limit: number) {
    return this.#all(ACCOUNTS, limit).map((row) => ({
      account: text(row, 'id'),
      paid: money(row, 'paid'),
      bonus: money(row, 'bonus'),
      held: money(row, 'held'),
      owed: msat(-whole(row, 'owed')),
      available: msat(whole(row, 'paid') + whole(row, 'bonus')),
      createdAt: number(row, 'created_at'),
    }))
  }

  async holds(limit: number) {
    return this.#all(OPEN_HOLDS, limit).map((row) => openHoldOf(holdOf(row)))
  }

  async entries(limit: number): Promise<readonly Entry[]> {
    const entries = new Map<number, Entry & { readonly postings: Posting[] }>()
    for (const row of this.#all(ENTRIES, limit)) {
      const n = number(row, 'entry')
      const entry = entries.get(n) ?? {
        at: number(row, 'at'),
        why: text(row, 'why') as Why,
        ref: text(row, 'ref'),
        postings: [],
      }
      entry.postings.push({
        debit: text(row, 'debit') as Drawer,
        credit: text(row, 'credit') as Drawer,
        amount: money(row, 'amount'),
      })
      entries.set(n, entry)
    }
    return [...entries.values()]
  }

  async earnings() {
    return this.#all(EARNINGS).map((row) => ({
      day: text(row, 'day'),
      model: text(row, 'model'),
      requests: number(row, 'requests'),
      input: number(row, 'input'),
      output: number(row, 'output'),
      earned: money(row, 'earned'),
      overrun: money(row, 'overrun'),
    }))
  }

  async income() {
    return this.#all(INCOME).map((row) => ({
      day: text(row, 'day'),
      rail: text(row, 'rail'),
      credit: text(row, 'credit') as 'paid' | 'bonus',
      payments: number(row, 'payments'),
      amount: money(row, 'amount'),
    }))
  }

  async owed() {
    const [row] = this.#all(OWED)
    return row === undefined ? ZERO : money(row, 'owed')
  }

  async verify(): Promise<Result<Proof, readonly string[]>> {
    this.#parts.commit()
    const db = openSnapshot(this.#parts.path)
    try {
      return await verify(db, this.#parts.inMemory())
    } finally {
      db.close()
    }
  }

  #all(sql: string, ...cells: number[]): Row[] {
    this.#parts.commit()
    const db = openSnapshot(this.#parts.path)
    try {
      return rowsOf(db, sql, cells)
    } finally {
      db.close()
    }
  }
}

function rowsOf(db: DatabaseSync, sql: string, cells: number[]): Row[] {
  const statement = db.prepare(sql)
  statement.setReadBigInts(true)
  return statement.all(...cells)
}

const balanceOf = (drawer: string): string =>
  `coalesce((SELECT balance FROM drawers WHERE name = '${drawer}:' || id), 0) AS ${drawer}`

const ACCOUNTS = `
  SELECT id, created_at, ${balanceOf('paid')}, ${balanceOf('bonus')}, ${balanceOf('held')},
    ${balanceOf('owed')}
  FROM accounts ORDER BY n DESC LIMIT ?`

const OPEN_HOLDS = `
  SELECT holds.*, accounts.id AS account_id FROM holds JOIN accounts ON accounts.n = account
  WHERE status = 'open' ORDER BY holds.n DESC LIMIT ?`

/** Of one entry: see `close.ts`. */
const MOST_POSTINGS = 10

const ENTRIES = `
  WITH newest AS (SELECT * FROM postings ORDER BY n DESC LIMIT ?1 * ${MOST_POSTINGS}),
    few AS (SELECT DISTINCT entry FROM newest ORDER BY entry DESC LIMIT ?1)
  SELECT entry, postings.at, why, coalesce(payment, holds.id) AS ref,
    debits.name AS debit, credits.name AS credit, postings.amount
  FROM newest AS postings JOIN few USING (entry)
  LEFT JOIN deposits ON deposits.n = postings.deposit
  LEFT JOIN holds ON holds.n = postings.hold
  JOIN drawers AS debits ON debits.n = postings.debit
  JOIN drawers AS credits ON credits.n = postings.credit
  ORDER BY entry DESC, postings.n`

const DAY = (column: string): string => `date(${column} / 1000, 'unixepoch')`

const EARNINGS = `
  SELECT ${DAY('closed_at')} AS day, model, count(*) AS requests, sum(input) AS input,
    sum(output) AS output, sum(charged_paid + charged_bonus) AS earned, sum(overrun) AS overrun
  FROM holds WHERE status IN ('settled', 'expired')
  GROUP BY day, model ORDER BY day DESC, model`

const INCOME = `
  SELECT ${DAY('at')} AS day, rail, credit, count(*) AS payments, sum(amount) AS amount
  FROM deposits GROUP BY day, rail, credit ORDER BY day DESC, rail, credit DESC`

const OWED = `
  SELECT (SELECT coalesce(sum(balance), 0) FROM drawers WHERE name GLOB 'paid:*')
    + (SELECT coalesce(sum(paid), 0) FROM holds WHERE status = 'open') AS owed`
