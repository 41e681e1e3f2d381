import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/ledger/open-ledger.ts'
import { openDatabase } from '../../../src/ledger/sqlite/database.ts'
import { booksOver } from '../../../src/ledger/sqlite.ts'
import { msat } from '../../../src/money/msat.ts'
import { ScriptWorld } from '../../contract/ledger-script.ts'
import { drawersOf } from '../../support/drawers.ts'
import { scratch } from './scratch.ts'
import { charge, deposit, hold } from './use.ts'

/** Details of old requests become sums, and the books prove themselves from what is left. */

const DAY = 86_400_000
let folder = scratch()
let db: DatabaseSync
let books: Books

beforeEach(async () => {
  folder = scratch()
  const path = folder.path('ledger.db')
  db = openDatabase({ path, kind: 'play', now: 0 })
  books = booksOver(db, { path, kind: 'play', world: new ScriptWorld() })
  await books.ledger.deposit(deposit({ amount: msat(100_000n) }))
})
afterEach(async () => {
  await books.close()
  folder.remove()
})

const rows = (table: string) => Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n)

const LIMITS = [
  { meter: 'm', unit: 'spend', window: 'day', max: 9_000n },
  { meter: 'm', unit: 'calls', window: 'total', max: 900n },
] as const

/** Requests of one day that were charged, and counted at two meters. */
async function charged(count: number, day: number): Promise<void> {
  const at = day * DAY
  for (let i = 0; i < count; i++) {
    const id = `${day}-${String(i).padStart(5, '0')}`
    await books.ledger.hold(hold({ id, at, deadline: at + 60_000, limits: LIMITS }))
    await books.ledger.settle(id, { ...charge(5n), at: at + i })
  }
  await books.flush()
}

async function shown() {
  const { statement } = books
  const left = await Promise.all(LIMITS.map((limit) => books.ledger.left(limit, 3 * DAY)))
  return {
    drawers: await drawersOf(statement),
    earnings: await statement.earnings(),
    income: await statement.income(),
    owed: await statement.owed(),
    left,
  }
}

describe('the archive of a ledger', () => {
  it('keeps one row for each day, account and model, and changes nothing that is shown', async () => {
    await charged(150, 1)
    await charged(120, 2)
    await charged(3, 3)
    const before = await shown()
    expect(await books.archivedUpTo()).toBeNull()
    expect(await books.archive(3 * DAY)).toBe(270)
    expect(await books.archivedUpTo()).toBe(3 * DAY)
    expect(await books.archive(2 * DAY)).toBe(0)
    expect(await books.archivedUpTo()).toBe(3 * DAY)
    expect([rows('holds'), rows('archived')]).toEqual([3, 2])
    expect(await shown()).toEqual(before)
    // The meters of the days that are over are gone. Those of today and for ever stay.
    expect(rows('meters')).toBe(2)
    expect((await books.ledger.usage('ann', null, { limit: 99, before: null })).length).toBe(3)
    expect(await books.archive(3 * DAY)).toBe(0)
  })

  it('never takes a request that is open, that expired, or that owes', async () => {
    await books.ledger.hold(hold({ id: 'open', at: DAY, deadline: 9 * DAY }))
    await books.ledger.hold(hold({ id: 'silent', at: DAY, deadline: DAY, limits: LIMITS }))
    await books.ledger.expire(2 * DAY)
    await books.ledger.deposit(deposit({ payment: 'p2', account: 'bob', amount: msat(200n) }))
    await books.ledger.hold(hold({ id: 'owes', account: 'bob', at: DAY }))
    await books.ledger.hold(hold({ id: 'other', account: 'bob', at: DAY, deadline: 9 * DAY }))
    await books.ledger.settle('owes', { ...charge(150n), at: DAY })
    expect(await books.archive(5 * DAY)).toBe(0)
    expect((await books.ledger.settle('silent', { ...charge(7n), at: 2 * DAY })).ok).toBe(true)
    await books.ledger.settle('open', { ...charge(7n), at: 2 * DAY })
    await books.ledger.settle('other', { ...charge(7n), at: 2 * DAY })
    const before = await shown()
    expect(await books.archive(5 * DAY)).toBe(4)
    expect(await shown()).toEqual(before)
  })

  it('leaves a hold whose postings are wrong where it is, and the proof names it', async () => {
    await charged(3, 1)
    const id = '1-00001'
    db.exec(`INSERT INTO postings SELECT 999, 999, 0, 'settle', NULL, h.n, d.n, c.n, 5
      FROM holds AS h, drawers AS d, drawers AS c
      WHERE h.id = '${id}' AND d.name = 'revenue:llama3' AND c.name = 'paid:ann'`)
    expect(await books.archive(3 * DAY)).toBe(2)
    expect(rows('holds')).toBe(1)
    const proof = await books.statement.verify()
    expect(proof.ok ? '' : proof.error.join()).toContain(`hold ${id}`)
  })

  const FORGED = {
    'less revenue': 'UPDATE archived SET paid = paid - 1',
    'a lost request': 'UPDATE archived SET requests = requests - 1',
    'other tokens': 'UPDATE archived SET output = output + 1',
    'a lost day': 'DELETE FROM archived',
    'a meter that counts less': 'UPDATE meters SET archived = archived - 1 WHERE archived > 0',
  }
  it.each(Object.entries(FORGED))('is proven: %s is found', async (_, sql) => {
    await charged(3, 1)
    await books.archive(3 * DAY)
    expect((await books.statement.verify()).ok).toBe(true)
    await books.flush()
    const other = new DatabaseSync(folder.path('ledger.db'))
    other.exec(sql)
    other.close()
    expect((await books.statement.verify()).ok).toBe(false)
  })

  it('a step that cannot be written changes nothing, and earlier steps stay', async () => {
    await charged(250, 1)
    db.exec(`CREATE TEMP TRIGGER full BEFORE DELETE ON holds WHEN OLD.id = '1-00150'
      BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
    await expect(books.archive(2 * DAY)).rejects.toThrow('disk full')
    expect(rows('holds')).toBe(150)
    expect(await books.statement.verify()).toMatchObject({ ok: true })
    db.exec('DROP TRIGGER full')
    expect(await books.archive(2 * DAY)).toBe(150)
    expect(await books.statement.verify()).toMatchObject({ ok: true })
  })

  it('no posting leaves but with its hold', async () => {
    await charged(2, 1)
    expect(() => db.exec('DELETE FROM postings WHERE hold IS NOT NULL')).toThrow('never removed')
    expect(() => db.exec('DELETE FROM postings WHERE hold IS NULL')).toThrow('never removed')
  })

  it('J20 the file is as large after many days as after three', async () => {
    const pages: number[] = []
    for (let day = 1; day <= 7; day++) {
      await charged(500, day)
      await books.archive((day - 1) * DAY)
      pages.push(Number(db.prepare('PRAGMA page_count').get()?.page_count))
    }
    const later = pages.slice(3)
    expect(Math.max(...later) - Math.min(...later), String(pages)).toBeLessThan(5)
  })
})
