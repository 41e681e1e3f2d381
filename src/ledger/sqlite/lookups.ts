import type { DatabaseSync } from 'node:sqlite'
import type { HoldRow } from './group.ts'
import { holdOf, number, type Row, reading } from './rows.ts'

/** Reads a row of `HOLDS`. */
export const holdRowOf = (row: Row): HoldRow => ({
  n: number(row, 'n'),
  account: number(row, 'account'),
  value: holdOf(row),
})

const HOLDS =
  'SELECT holds.*, accounts.id AS account_id FROM holds JOIN accounts ON accounts.n = account'
const OLDER = `status <> 'open' AND (? IS NULL OR holds.n < (SELECT n FROM holds WHERE id = ?))
  ORDER BY holds.n DESC LIMIT ?`

/** What the store asks of the file. */
export const prepareLookups = (db: DatabaseSync) => ({
  account: reading(db, 'SELECT n, created_at FROM accounts WHERE id = ?'),
  drawer: reading(db, 'SELECT n, balance FROM drawers WHERE name = ?'),
  unspentUsd: reading(db, "SELECT msat AS unspent FROM totals WHERE kind = 'usd'"),
  meter: reading(db, 'SELECT used, held FROM meters WHERE key = ?'),
  hold: reading(db, `${HOLDS} WHERE holds.id = ?`),
  open: reading(db, `${HOLDS} WHERE status = 'open' ORDER BY holds.n`),
  owing: reading(db, `${HOLDS} WHERE owed > 0 ORDER BY holds.n`),
  usage: reading(db, `${HOLDS} WHERE account = (SELECT n FROM accounts WHERE id = ?) AND ${OLDER}`),
  usageOfPass: reading(db, `${HOLDS} WHERE pass = ? AND accounts.id = ? AND ${OLDER}`),
})
