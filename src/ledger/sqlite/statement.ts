import type { DatabaseSync } from 'node:sqlite'
import type { Result } from '../../floor/result.ts'
import type { World } from '../../floor/world.ts'
import { msat, ZERO } from '../../money/msat.ts'
import type { AccountId, Drawer, Entry } from '../ledger.ts'
import type { Proof, Statement } from '../open-ledger.ts'
import { openHoldOf } from '../state.ts'
import { openSnapshot } from './database.ts'
import { accountsThat, newestEntries } from './entries.ts'
import {
  type Cell,
  holdOf,
  money,
  number,
  quantitiesOf,
  type Row,
  reading,
  text,
  whole,
} from './rows.ts'
import { verify } from './verify.ts'

export interface StatementParts {
  readonly world: World
  readonly path: string
  /** Tries to write all waiting rows to disk. */
  readonly flush: () => Promise<boolean>
  /** Calls `read` at a moment at which nothing is written to the file (`Journal.still`). */
  readonly still: <T>(read: () => T) => Promise<T>
  /** What the file must say about the drawers that are in memory, within `still`. */
  readonly onDisk: () => ReadonlyMap<Drawer, bigint>
}

/**
 * The read-only views of a ledger file. Each uses a connection of its own, which sees one moment of
 * the file.
 */
export class SqliteStatement implements Statement {
  readonly #parts: StatementParts

  constructor(parts: StatementParts) {
    this.#parts = parts
  }

  async accounts(limit: number, of?: AccountId) {
    return (await this.#all(ACCOUNTS, limit, of ?? null)).map((row) => ({
      account: text(row, 'id'),
      paid: money(row, 'paid'),
      bonus: money(row, 'bonus'),
      held: money(row, 'held'),
      owed: msat(-whole(row, 'owed')),
      available: msat(whole(row, 'paid') + whole(row, 'bonus')),
      createdAt: number(row, 'created_at'),
    }))
  }

  async holds(limit: number, of?: AccountId) {
    return (await this.#all(OPEN_HOLDS, limit, of ?? null)).map((row) => openHoldOf(holdOf(row)))
  }

  async entries(limit: number, of?: AccountId): Promise<readonly Entry[]> {
    return this.#over((db) => newestEntries(this.#parts.world, db, limit, of))
  }

  async find(fits: (account: AccountId) => boolean): Promise<readonly AccountId[]> {
    return this.#over((db) => accountsThat(this.#parts.world, db, fits))
  }

  async earnings() {
    return (await this.#all(EARNINGS)).map((row) => ({
      day: text(row, 'day'),
      model: text(row, 'model'),
      requests: number(row, 'requests'),
      quantities: quantitiesOf(row),
      earned: money(row, 'earned'),
      overrun: money(row, 'overrun'),
    }))
  }

  async income() {
    return (await this.#all(INCOME)).map((row) => ({
      day: text(row, 'day'),
      rail: text(row, 'rail'),
      credit: text(row, 'credit') as 'paid' | 'bonus',
      payments: number(row, 'payments'),
      amount: money(row, 'amount'),
    }))
  }

  async owed() {
    const [row] = await this.#all(OWED)
    return row === undefined ? ZERO : money(row, 'owed')
  }

  async verify(): Promise<Result<Proof, readonly string[]>> {
    const { flush, onDisk, path, still, world } = this.#parts
    await flush()
    const { db, drawers } = await still(() => ({ db: openSnapshot(path), drawers: onDisk() }))
    try {
      return await verify(world, db, drawers)
    } finally {
      db.close()
    }
  }

  #all(sql: string, ...cells: Cell[]): Promise<Row[]> {
    return this.#over(async (db) => reading(db, sql).all(...cells))
  }

  /** Reads one moment of the file. Waiting rows are written to disk first. */
  async #over<T>(read: (db: DatabaseSync) => Promise<T>): Promise<T> {
    await this.#parts.flush()
    const db = openSnapshot(this.#parts.path)
    try {
      return await read(db)
    } finally {
      db.close()
    }
  }
}

const balanceOf = (drawer: string): string =>
  `coalesce((SELECT balance FROM drawers WHERE name = '${drawer}:' || id), 0) AS ${drawer}`

const ACCOUNTS = `
  SELECT id, created_at, ${balanceOf('paid')}, ${balanceOf('bonus')}, ${balanceOf('held')},
    ${balanceOf('owed')}
  FROM accounts WHERE ?2 IS NULL OR id = ?2 ORDER BY n DESC LIMIT ?1`

const OPEN_HOLDS = `
  SELECT holds.*, accounts.id AS account_id FROM holds JOIN accounts ON accounts.n = account
  WHERE status = 'open' AND (?2 IS NULL OR accounts.id = ?2) ORDER BY holds.n DESC LIMIT ?1`

const DAY = (column: string): string => `date(${column} / 1000, 'unixepoch')`

const EARNINGS = `
  WITH charged AS (
    SELECT *, ${DAY('closed_at')} AS day FROM holds WHERE status IN ('settled', 'expired')
  ), counted AS (
    SELECT day, model, other.key, sum(other.value) AS n
    FROM charged, json_each(others) AS other WHERE others IS NOT NULL GROUP BY day, model, other.key
  )
  SELECT day, model, count(*) AS requests, sum(input) AS input, sum(cached) AS cached,
    sum(output) AS output, sum(charged_paid + charged_bonus) AS earned, sum(overrun) AS overrun,
    (SELECT json_group_object(key, n) FROM counted
      WHERE counted.day = charged.day AND counted.model = charged.model HAVING count(*) > 0) AS others
  FROM charged GROUP BY day, model ORDER BY day DESC, model`

const INCOME = `
  SELECT ${DAY('at')} AS day, rail, credit, count(*) AS payments, sum(amount) AS amount
  FROM deposits GROUP BY day, rail, credit ORDER BY day DESC, rail, credit DESC`

const OWED = `
  SELECT (SELECT coalesce(sum(balance), 0) FROM drawers WHERE name GLOB 'paid:*')
    + (SELECT coalesce(sum(paid), 0) FROM holds WHERE status = 'open') AS owed`
