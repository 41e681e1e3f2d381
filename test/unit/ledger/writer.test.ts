import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../../src/ledger/sqlite/database.ts'
import { emptyGroup } from '../../../src/ledger/sqlite/group.ts'
import { groupText } from '../../../src/ledger/sqlite/group-text.ts'
import { openingOf, Writer } from '../../../src/ledger/sqlite/writer.ts'
import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { msat, ZERO } from '../../../src/money/msat.ts'
import { ScriptWorld } from '../../contract/ledger-script.ts'
import { real } from '../../support/world.ts'
import { scratch } from './scratch.ts'
import { charge, deposit, hold } from './use.ts'

/** What reaches the file, and how it is found again. */

let folder = scratch()
let path = ''
const open = () => openSqliteBooks({ path, kind: 'play', world: new ScriptWorld() })

beforeEach(() => {
  folder = scratch()
  path = folder.path('ledger.db')
})
afterEach(() => folder.remove())

/** The opening's groups, the writer's name and whether the last stop was clean, as the file says. */
function book() {
  const db = new DatabaseSync(path, { readOnly: true })
  const row = db.prepare('SELECT last_group, last_writer, clean FROM book').get()
  db.close()
  return row
}

describe('a group', () => {
  const text = (key: string) => {
    const group = emptyGroup()
    group.facts.set(key, key)
    return groupText(group)
  }
  const facts = (db: DatabaseSync) =>
    db
      .prepare('SELECT key FROM facts ORDER BY key')
      .all()
      .map(({ key }) => key)

  it('that is in the file is not written again, and one that is missing is noticed', () => {
    const db = openDatabase({ path, kind: 'play', now: 0 })
    const opening = openingOf(db, real.random)
    const writer = new Writer(db, opening)
    writer.write(text('a'), 1)
    writer.write(text('b'), 2)
    // Its answer was lost. Another text shows that nothing is written.
    writer.write(text('never'), 2)
    expect(facts(db)).toEqual(['a', 'b'])
    for (const n of [1, 4]) expect(() => writer.write(text('c'), n)).toThrow('another process')
    // The thread died, and another one goes on.
    const next = new Writer(db, opening)
    next.write(text('never'), 2)
    next.write(text('c'), 3)
    expect([facts(db), book()]).toMatchObject([['a', 'b', 'c'], { last_group: 3 }])
    db.close()
  })

  it('of a writer that was away while another process wrote is not taken for written', () => {
    const db = openDatabase({ path, kind: 'play', now: 0 })
    const opening = openingOf(db, real.random)
    new Writer(db, opening).write(text('a'), 1)
    const other = new DatabaseSync(path)
    new Writer(other, openingOf(other, real.random)).write(text('other'), 1)
    other.close()
    expect(() => new Writer(db, opening).write(text('b'), 2)).toThrow('another process')
    expect(facts(db)).toEqual(['a', 'other'])
    db.close()
  })
})

describe('the file says that the last stop was clean', () => {
  it('from the close until the first row of the next opening', async () => {
    let books = open()
    expect(book()).toMatchObject({ clean: 0 })
    await books.close()
    expect(book()).toMatchObject({ clean: 0 })
    books = open()
    await books.ledger.deposit(deposit())
    expect(book()).toMatchObject({ clean: 0 })
    await books.close()
    expect(book()).toMatchObject({ clean: 1 })
    books = open()
    expect(book()).toMatchObject({ clean: 1 })
    await books.prune(1)
    expect(book()).toMatchObject({ clean: 0 })
    await books.close()
    expect(book()).toMatchObject({ clean: 1 })
  })

  it('not if rows were lost', async () => {
    const books = open()
    await books.ledger.deposit(deposit())
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const lost = expect(books.ledger.deposit(deposit({ payment: 'p2' }))).rejects.toThrow()
    const closed = expect(books.close()).rejects.toThrow('could not be written')
    await Promise.all([lost, closed])
    other.exec('ROLLBACK')
    other.close()
    expect(book()).toMatchObject({ clean: 0 })
  })
})

describe('amounts that no number can name exactly', () => {
  const HUGE = 2n ** 60n + 1n
  const ODD = 2n ** 53n + 1n

  it('are on disk to the last msat: deposits, holds, postings, balances, meters, invoices', async () => {
    const books = open()
    await books.ledger.deposit(deposit({ amount: msat(HUGE) }))
    const limits = [{ meter: 'm', unit: 'spend', window: 'day', max: HUGE }] as const
    const price = { base: ODD * 1_000_000n, each: 0n }
    expect(await books.ledger.hold(hold({ id: 'h1', price, limits }))).toMatchObject({ ok: true })
    await books.ledger.settle('h1', charge(ODD - 2n))
    await books.ledger.hold(hold({ id: 'h2', price, limits }))
    const invoice = { hash: 'a', account: 'ann', amount: msat(ODD), wallet: 'play', bolt11: 'ln' }
    await books.invoices.put({
      ...invoice,
      createdAt: 1,
      expiresAt: 2,
      settledAt: null,
      bonus: ZERO,
    })
    await books.close()
    const again = open()
    expect(await again.ledger.balance('ann')).toMatchObject({
      paid: HUGE - 2n * ODD + 2n,
      held: ODD,
    })
    const [used] = await again.ledger.usage('ann', null, { limit: 9, before: null })
    expect(used).toMatchObject({ id: 'h1', held: ODD, charged: ODD - 2n })
    expect(await again.ledger.left(limits[0], 1_000)).toBe(HUGE - 2n * ODD + 2n)
    expect(await again.invoices.get('a')).toMatchObject({ amount: ODD })
    expect(await again.statement.verify()).toMatchObject({ ok: true })
    await again.close()
    const db = new DatabaseSync(path, { readOnly: true })
    const types = db.prepare('SELECT DISTINCT typeof(amount) AS type FROM postings')
    expect(types.all()).toEqual([{ type: 'integer' }])
    db.close()
  })
})
