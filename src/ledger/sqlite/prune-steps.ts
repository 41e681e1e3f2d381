import type { DatabaseSync } from 'node:sqlite'
import { assert } from '../../floor/assert.ts'
import { number, reading } from './rows.ts'
import { SIDES_OF_HOLD } from './sums-sql.ts'

/** Holds that one step removes, which takes a few ms. */
export const STEP = 100

/** One step of the pruning. Returns how many released holds it saw, removed, and where it ended. */
export function pruneHolds(db: DatabaseSync) {
  const sql = statements(db)
  return ({ before, from }: { readonly before: number; readonly from: Place }) => {
    const rows = sql.due.all(before, from.at, from.at, from.n, STEP)
    let last = from
    let left = 0
    for (const row of rows) {
      last = { at: number(row, 'closed_at'), n: number(row, 'n') }
      if (sql.uncancelled.get(last.n) !== undefined) continue
      sql.postings.run(last.n)
      const { changes } = sql.hold.run(last.n)
      assert(changes === 1, 'a hold leaves once')
      left++
    }
    return { found: rows.length, left, last }
  }
}

/** Removes some meters at zero. Returns how many. */
export function pruneMeters(db: DatabaseSync) {
  const some = db.prepare(`
    DELETE FROM meters WHERE key IN
      (SELECT key FROM meters WHERE used = 0 AND held = 0 LIMIT ?)`)
  return (_: null): number => Number(some.run(STEP).changes)
}

/** Where a step ended, in the order in which released holds were closed. */
export interface Place {
  readonly at: number
  readonly n: number
}

function statements(db: DatabaseSync) {
  return {
    due: reading(
      db,
      `
      SELECT n, closed_at FROM holds
      WHERE status = 'released' AND closed_at < ? AND (closed_at > ? OR (closed_at = ? AND n > ?))
      ORDER BY closed_at, n LIMIT ?`,
    ),
    uncancelled: reading(
      db,
      `SELECT n FROM (${SIDES_OF_HOLD}) GROUP BY n HAVING sum(moved) <> 0 LIMIT 1`,
    ),
    postings: db.prepare('DELETE FROM postings WHERE hold = ?'),
    hold: db.prepare("DELETE FROM holds WHERE n = ? AND status = 'released'"),
  }
}
