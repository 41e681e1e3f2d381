import type { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/ledger/open-ledger.ts'
import { openDatabase } from '../../../src/ledger/sqlite/database.ts'
import { booksOver } from '../../../src/ledger/sqlite.ts'
import { ScriptWorld } from '../../contract/ledger-script.ts'
import { scratch } from './scratch.ts'
import { charge, deposit, hold } from './use.ts'

/** Free requests are removed from the file (threats J20), in steps that succeed or fail as a whole. */

const DAY = 86_400_000
let folder = scratch()
let db: DatabaseSync
let books: Books

beforeEach(async () => {
  folder = scratch()
  const path = folder.path('ledger.db')
  db = openDatabase({ path, kind: 'play', now: 0 })
  books = booksOver(db, { path, kind: 'play', world: new ScriptWorld() })
  await books.ledger.deposit(deposit())
})
afterEach(async () => {
  await books.close()
  folder.remove()
})

const one = (sql: string): unknown => Object.values(db.prepare(sql).get() ?? {})[0]
const rows = (table: string) => one(`SELECT count(*) FROM ${table}`)

/** Requests that cost nothing, each with its own child of one pass. */
async function refused(count: number, at: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const id = `${at}-${String(i).padStart(5, '0')}`
    const limits = [{ meter: id, unit: 'calls', window: 'min', max: 5n }] as const
    await books.ledger.hold(hold({ id, at, limits }))
    await books.ledger.release(id, 'upstream_failed', at)
  }
  await books.flush()
}

describe('J20 the ledger does not grow for free requests', () => {
  it('its file is as large after many days as after two', async () => {
    const pages: number[] = []
    for (let day = 1; day <= 6; day++) {
      await refused(1_000, day * DAY)
      await books.prune(day * DAY)
      pages.push(Number(one('PRAGMA page_count')))
    }
    // A page more or less depends on how full SQLite leaves its pages. A day that is not removed is
    // a hundred pages.
    const later = pages.slice(2)
    expect(Math.max(...later) - Math.min(...later), String(pages)).toBeLessThan(5)
    expect([rows('holds'), rows('postings'), rows('meters')]).toEqual([1_000, 2_001, 0])
    expect(await books.statement.verify()).toMatchObject({ ok: true })
  })

  it('streams go on meanwhile: their requests are served between its steps', async () => {
    await refused(1_000, DAY)
    let over = false
    const pruned = books.prune(2 * DAY).finally(() => {
      over = true
    })
    let served = 0
    while (!over) {
      const id = `z${String(served).padStart(5, '0')}`
      expect((await books.ledger.hold(hold({ id, at: 2 * DAY, most: 1 }))).ok).toBe(true)
      await books.ledger.release(id, 'refused', 2 * DAY)
      served += 1
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await pruned).toBe(1_000)
    // A step removes a hundred holds.
    expect(served).toBeGreaterThan(10)
  })

  it('a step that cannot be written changes nothing, and earlier steps stay', async () => {
    await refused(250, DAY)
    db.exec(`CREATE TEMP TRIGGER full BEFORE DELETE ON holds WHEN OLD.id = '${DAY}-00150'
      BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
    await expect(books.prune(2 * DAY)).rejects.toThrow('disk full')
    expect([rows('holds'), rows('postings')]).toEqual([150, 301])
    expect(await books.statement.verify()).toMatchObject({ ok: true })
    db.exec('DROP TRIGGER full')
    expect(await books.prune(2 * DAY)).toBe(150)
    expect([rows('holds'), rows('postings')]).toEqual([0, 1])
    expect(await books.statement.verify()).toMatchObject({ ok: true })
  })

  it('a hold whose postings do not cancel stays, and the proof names it', async () => {
    await refused(3, DAY)
    const id = `${DAY}-00001`
    db.exec(`INSERT INTO postings SELECT 999, 999, 0, 'release', NULL, h.n, d.n, c.n, 5
      FROM holds AS h, drawers AS d, drawers AS c
      WHERE h.id = '${id}' AND d.name = 'rail:l402' AND c.name = 'paid:ann'`)
    expect(await books.prune(2 * DAY)).toBe(2)
    expect([rows('holds'), rows('postings')]).toEqual([1, 4])
    const proof = await books.statement.verify()
    expect(proof.ok ? '' : proof.error.join()).toContain(`hold ${id}`)
  })

  it('ends when the books are closed', async () => {
    await refused(250, DAY)
    const pruned = books.prune(2 * DAY)
    while (rows('holds') === 250) await new Promise((resolve) => setImmediate(resolve))
    await books.close()
    expect(await pruned).toBe(100)
    const path = folder.path('ledger.db')
    db = openDatabase({ path, kind: 'play', now: 0 })
    books = booksOver(db, { path, kind: 'play', world: new ScriptWorld() })
    expect(await books.prune(2 * DAY)).toBe(150)
    expect(await books.statement.verify()).toMatchObject({ ok: true })
  })

  it('removes nothing while earlier rows cannot be written', async () => {
    await refused(3, DAY)
    db.exec(`CREATE TEMP TRIGGER full BEFORE INSERT ON deposits
      BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
    const waiting = books.ledger.deposit(deposit({ payment: 'p2' }))
    expect(await books.prune(2 * DAY)).toBe(0)
    db.exec('DROP TRIGGER full')
    await waiting
    expect(await books.prune(2 * DAY)).toBe(3)
  })

  it('no other posting is ever removed, whatever causes it', async () => {
    const limits = [{ meter: 'm', unit: 'calls', window: 'day', max: 9n }] as const
    await books.ledger.hold(hold({ id: 'h1', limits }))
    await books.ledger.settle('h1', charge(5n))
    await books.ledger.hold(hold({ id: 'h2', limits }))
    await books.ledger.hold(hold({ id: 'h3', limits }))
    await books.ledger.recover(5)
    await refused(1, DAY)
    for (const whose of ['deposit IS NOT NULL', ...[1, 2, 3].map((n) => `hold = ${n}`)]) {
      expect(() => db.exec(`DELETE FROM postings WHERE ${whose}`)).toThrow('never removed')
    }
    expect(await books.prune(2 * DAY)).toBe(1)
    expect(await books.statement.verify()).toMatchObject({ ok: true })
  })
})
