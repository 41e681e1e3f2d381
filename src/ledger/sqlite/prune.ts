import type { DatabaseSync } from 'node:sqlite'
import { assert } from '../../floor/assert.ts'
import { sleep, type World } from '../../floor/world.ts'
import { number, reading } from './rows.ts'
import type { Writer } from './writer.ts'

/**
 * Holds that one step removes, which takes a few ms, and the pause between two steps in ms. Streams
 * go on in the pause.
 */
const STEP = 100
const PAUSE = 10

/**
 * Removes released holds from the books (ADR 25). Each step is one transaction. A hold is removed
 * only if its postings cancel each other in every drawer, so the totals do not change. A hold whose
 * postings do not cancel stays, and `verify` reports it.
 */
export class Pruner {
  readonly #world: World
  readonly #writer: Writer
  readonly #commit: () => boolean
  readonly #sql: ReturnType<typeof statements>
  #stopped = false

  constructor(parts: {
    readonly world: World
    readonly db: DatabaseSync
    readonly writer: Writer
    /** Writes all waiting rows to disk. A hold must be on disk before it can be removed. */
    readonly commit: () => boolean
  }) {
    this.#world = parts.world
    this.#writer = parts.writer
    this.#commit = parts.commit
    this.#sql = statements(parts.db)
  }

  /** Stops after the current step. */
  stop(): void {
    this.#stopped = true
  }

  async run(before: number): Promise<number> {
    let pruned = 0
    // Some of the holds that were closed in one ms may stay, so the place is a time and a number.
    let from: Place = { at: 0, n: 0 }
    while (!this.#stopped && this.#commit()) {
      const { found, left, last } = this.#writer.transaction(() => this.#holds(before, from))
      pruned += left
      if (found < STEP) break
      from = last
      await sleep(this.#world, PAUSE, { unref: 'unref' })
    }
    while (!this.#stopped && this.#commit()) {
      if (this.#writer.transaction(() => this.#meters()) < STEP) break
      await sleep(this.#world, PAUSE, { unref: 'unref' })
    }
    return pruned
  }

  #holds(before: number, from: Place): { found: number; left: number; last: Place } {
    const sql = this.#sql
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

  #meters(): number {
    return Number(this.#sql.meters.run(STEP).changes)
  }
}

/** Where a step ended, in the order in which released holds were closed. */
interface Place {
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
      `
      SELECT drawer FROM (
        SELECT debit AS drawer, -amount AS amount FROM postings WHERE hold = ?1
        UNION ALL SELECT credit, amount FROM postings WHERE hold = ?1)
      GROUP BY drawer HAVING sum(amount) <> 0 LIMIT 1`,
    ),
    postings: db.prepare('DELETE FROM postings WHERE hold = ?'),
    hold: db.prepare("DELETE FROM holds WHERE n = ? AND status = 'released'"),
    meters: db.prepare(`
      DELETE FROM meters WHERE key IN
        (SELECT key FROM meters WHERE used = 0 AND held = 0 LIMIT ?)`),
  }
}
