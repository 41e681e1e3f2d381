import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/ledger/open-ledger.ts'
import { openDatabase } from '../../../src/ledger/sqlite/database.ts'
import { booksOver, openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { ZERO } from '../../../src/money/msat.ts'
import { ScriptWorld } from '../../contract/ledger-script.ts'
import { scratch } from './scratch.ts'
import { charge, deposit, hold, isDone } from './use.ts'

/** A disk that is full, slow or locked: nothing is granted on it, and nothing is forgotten. */

let folder = scratch()
let path = ''
const world = new ScriptWorld()
const troubles: string[] = []
const onTrouble = (trouble: { solved: boolean }) => {
  troubles.push(trouble.solved ? 'solved' : 'trouble')
}
const open = (): Books => openSqliteBooks({ path, kind: 'play', world, onTrouble })

beforeEach(() => {
  folder = scratch()
  path = folder.path('ledger.db')
  troubles.length = 0
})
afterEach(() => folder.remove())

async function until(truth: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000 && !truth(); i++) await new Promise((done) => setTimeout(done, 10))
  expect(truth()).toBe(true)
}

/** Another process locks the file. Every commit fails until the lock is released. */
function lock(): () => void {
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  return () => {
    other.exec('ROLLBACK')
    other.close()
  }
}

describe('a ledger whose disk fails', () => {
  it('I12 a deposit is not acknowledged before it is on disk, nor is its retry', async () => {
    const books = open()
    const unlock = lock()
    const first = books.ledger.deposit(deposit())
    const again = books.ledger.deposit(deposit())
    const flushed = books.flush()
    expect(await isDone(Promise.race([first, again, flushed]))).toBe(false)
    await until(() => !books.healthy())
    unlock()
    expect(await first).toMatchObject({ ok: true })
    expect(await again).toEqual({ ok: false, error: 'already_deposited' })
    await flushed
    expect(books.healthy()).toBe(true)
    await books.close()
  })

  it('I12 what was served while commits failed is settled, and on disk afterwards', async () => {
    const books = open()
    await books.ledger.deposit(deposit())
    const unlock = lock()
    await books.ledger.hold(hold())
    await books.ledger.settle('h1', charge(60n))
    await until(() => !books.healthy())
    await books.ledger.hold(hold({ id: 'h2' }))
    expect(await books.ledger.balance('ann')).toMatchObject({ available: 840n, held: 100n })
    unlock()
    await books.flush()
    expect([books.healthy(), troubles]).toEqual([true, ['trouble', 'solved']])
    await books.close()
    const again = open()
    expect(await again.ledger.balance('ann')).toMatchObject({ paid: 840n, held: 100n })
    expect(await again.statement.verify()).toMatchObject({ ok: true })
    await again.close()
  })

  it('I12 a full disk stops admission, and no row is lost or invented', async () => {
    const db = openDatabase({ path, kind: 'play', now: 0 })
    const books = booksOver(db, { path, kind: 'play', world, onTrouble })
    await books.ledger.deposit(deposit())
    const pages = Number(Object.values(db.prepare('PRAGMA page_count').get() ?? {})[0])
    db.exec(`PRAGMA max_page_count = ${pages}`)
    const bolt11 = 'lnbc'.repeat(5_000)
    const put = books.invoices.put({ ...INVOICE, bolt11 })
    const paid = books.ledger.deposit(deposit({ payment: 'p2' }))
    await until(() => !books.healthy())
    expect(await isDone(Promise.race([put, paid]))).toBe(false)
    // Nothing of the failed group is on disk, but reads still see it.
    const other = new DatabaseSync(path, { readOnly: true })
    expect(other.prepare('SELECT count(*) AS n FROM deposits').get()).toEqual({ n: 1 })
    other.close()
    expect(await books.invoices.get(INVOICE.hash)).toMatchObject({ bolt11 })
    expect(await books.ledger.usage('ann', null, { limit: 9, before: null })).toEqual([])
    db.exec(`PRAGMA max_page_count = ${pages + 1_000}`)
    await Promise.all([put, paid])
    expect([books.healthy(), troubles]).toEqual([true, ['trouble', 'solved']])
    expect(await books.ledger.balance('ann')).toMatchObject({ paid: 2_000n })
    expect(await books.statement.verify()).toMatchObject({ ok: true })
    await books.close()
  })

  it('rows that cannot be written when it is closed are reported as lost', async () => {
    const books = open()
    await books.ledger.deposit(deposit())
    const unlock = lock()
    const waiting = books.ledger.deposit(deposit({ payment: 'p2' }))
    const refused = expect(waiting).rejects.toThrow('could not be written')
    await expect(books.close()).rejects.toThrow('could not be written')
    await refused
    unlock()
  })

  it('another process that writes to the file stops this one, so nothing is spent twice', async () => {
    const [one, two] = [open(), open()]
    await one.ledger.deposit(deposit())
    const stolen = [two.invoices.remember('key', 'value')]
    await until(() => !two.healthy())
    stolen.push(two.ledger.deposit(deposit({ payment: 'p2' })).then(() => {}))
    await one.ledger.deposit(deposit({ payment: 'p3' }))
    expect([one.healthy(), await isDone(Promise.race(stolen))]).toEqual([true, false])
    const lost = stolen.map((one) => expect(one).rejects.toThrow('could not be written'))
    await expect(two.close()).rejects.toThrow('could not be written')
    await Promise.all(lost)
    expect(await one.statement.verify()).toMatchObject({ ok: true })
    await one.close()
  })

  it('another process that only reads stops nothing', async () => {
    const books = open()
    await books.ledger.deposit(deposit())
    const other = new DatabaseSync(path)
    expect(other.prepare('SELECT count(*) AS n FROM deposits').get()).toEqual({ n: 1 })
    await books.ledger.deposit(deposit({ payment: 'p2' }))
    other.close()
    await books.ledger.deposit(deposit({ payment: 'p3' }))
    expect(books.healthy()).toBe(true)
    await books.close()
  })
})

const INVOICE = {
  ...{ hash: 'a', account: 'ann', amount: deposit().amount, wallet: 'play' },
  ...{ bolt11: 'lnbc…', createdAt: 1, expiresAt: 2, settledAt: null, bonus: ZERO },
}
