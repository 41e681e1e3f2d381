import type { DatabaseSync } from 'node:sqlite'
import { isDamage } from '../../floor/sqlite-file.ts'
import { unitOf } from '../entry.ts'
import { type Row, reading, text, whole } from './rows.ts'

/**
 * What is checked of a ledger file before it is trusted. `checkTotals` reads one row of each kind of
 * drawer, the holds that are open or owe and the open withdrawals, so it takes no longer for a large file.
 * `checkDrawers` reads every drawer, `checkFile` every row, and `checkPages` every page. `verify` proves the rest from
 * the postings. Each returns a sentence that says what is wrong, or null.
 */

const rowsOf = (db: DatabaseSync, sql: string): readonly Row[] => reading(db, sql).all()

const one = (db: DatabaseSync, sql: string): bigint =>
  BigInt((Object.values(reading(db, sql).get() ?? {})[0] as bigint | null) ?? 0n)

/** Compares the totals with each other and with the holds that can still change. */
export function checkTotals(db: DatabaseSync): string | null {
  const total = one(db, "SELECT sum(msat) FROM totals WHERE kind NOT GLOB 'usd*'")
  if (total !== 0n) return `its drawers sum up to ${total} msat, not to 0`
  const usd = one(db, "SELECT sum(msat) FROM totals WHERE kind GLOB 'usd*'")
  if (usd !== 0n) return `its drawers in dollars sum up to ${usd} micro-dollars, not to 0`
  const held = one(db, "SELECT msat FROM totals WHERE kind = 'held'")
  const open = one(db, "SELECT sum(amount) FROM holds WHERE status = 'open'")
  if (held !== open) return `it holds ${held} msat, its open holds say ${open}`
  const debt = -one(db, "SELECT msat FROM totals WHERE kind = 'owed'")
  const owed = one(db, 'SELECT sum(owed) FROM holds WHERE owed > 0')
  if (debt !== owed) return `it is owed ${debt} msat, its closed holds say ${owed}`
  const leaving = one(db, "SELECT msat FROM totals WHERE kind = 'leaving'")
  const withdrawals = one(db, "SELECT sum(amount + fee) FROM withdrawals WHERE state = 'open'")
  if (leaving !== withdrawals) {
    return `${leaving} msat are leaving, its open withdrawals say ${withdrawals}`
  }
  return null
}

/** Compares the totals with the drawers. */
export function checkDrawers(db: DatabaseSync): string | null {
  for (const row of rowsOf(db, SUMS)) {
    const [kept, sum] = [whole(row, 'kept'), whole(row, 'sum')]
    if (kept !== sum) {
      const kind = text(row, 'kind')
      return `its drawers ${kind} sum up to ${sum} ${unitOf(`${kind}:`)}, not to ${kept}`
    }
  }
  return null
}

/** SQLite's own check of the structure of the file. It cannot be interrupted. */
export function checkPages(db: DatabaseSync): string | null {
  const answer = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0]
  return answer === 'ok' ? null : String(answer)
}

/** Rows that one query reads, because a thread ends only between two queries. */
const CHUNK = 100_000

/** Walks through the tables that grow. Throws if SQLite finds a page that is none. */
function readTables(db: DatabaseSync): null {
  for (const table of [
    'accounts',
    'deposits',
    'holds',
    'postings',
    'withdrawals',
    'withdrawal_postings',
  ]) {
    const last = Number(one(db, `SELECT coalesce(max(n), 0) FROM ${table}`))
    const part = db.prepare(`SELECT count(*) FROM ${table} NOT INDEXED WHERE n > ? AND n <= ?`)
    for (let from = 0; from < last; from += CHUNK) part.get(from, from + CHUNK)
  }
  return null
}

/** Totals, drawers and rows, the quickest first. */
export function checkFile(db: DatabaseSync): string | null {
  try {
    return checkTotals(db) ?? checkDrawers(db) ?? readTables(db)
  } catch (error) {
    if (!isDamage(error)) throw error
    return String(error)
  }
}

const SUMS = `
  WITH sums AS (
    SELECT substr(name, 1, instr(name, ':') - 1) AS kind, sum(balance) AS sum
    FROM drawers GROUP BY 1
  )
  SELECT kind, coalesce(msat, 0) AS kept, coalesce(sum, 0) AS sum
  FROM totals FULL JOIN sums USING (kind)`
