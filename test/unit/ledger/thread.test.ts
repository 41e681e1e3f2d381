import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/ledger/open-ledger.ts'
import { ThreadWriter } from '../../../src/ledger/sqlite/thread-writer.ts'
import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { msat } from '../../../src/money/msat.ts'
import { ScriptWorld } from '../../contract/ledger-script.ts'
import { isPlanted, PLANTED, type Plant, plant } from '../../support/planted-writer.ts'
import { scratch } from './scratch.ts'
import { charge, deposit, hold, isDone } from './use.ts'

/** Commits on a thread of their own: whatever happens to the thread, no row is lost or written twice. */

let folder = scratch()
let path = ''
let books: Books
const troubles: string[] = []

const open = (script?: URL): Books =>
  openSqliteBooks({
    path,
    kind: 'play',
    world: new ScriptWorld(),
    onTrouble: ({ solved }) => {
      troubles.push(solved ? 'solved' : 'trouble')
    },
    writer: (parts) => new ThreadWriter(parts, script),
  })

beforeEach(() => {
  folder = scratch()
  path = folder.path('ledger.db')
  troubles.length = 0
})
afterEach(() => folder.remove())

/** What a connection of its own finds on the disk. */
function onDisk(sql: string): readonly unknown[] {
  const db = new DatabaseSync(path, { readOnly: true })
  const rows = db.prepare(sql).all()
  db.close()
  return rows.flatMap((row) => Object.values(row))
}

async function until(truth: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !truth(); i++) await new Promise((done) => setTimeout(done, 5))
  expect(truth()).toBe(true)
}

const DEPOSITS = 'SELECT payment FROM deposits ORDER BY payment'

describe('a ledger that a thread writes', () => {
  it('has a deposit on disk when it says so, and everything after it is closed', async () => {
    books = open()
    await books.ledger.deposit(deposit())
    expect(onDisk(DEPOSITS)).toEqual(['p1'])
    await books.ledger.hold(hold())
    await books.ledger.settle('h1', charge(60n))
    await books.close()
    expect(onDisk("SELECT balance FROM drawers WHERE name = 'paid:ann'")).toEqual([940])
    expect(onDisk('SELECT clean FROM book')).toEqual([1])
  })

  it('finds what its caches forgot, on disk and on the way there', async () => {
    books = open()
    const accounts = Array.from({ length: 12_000 }, (_, i) => `account-${i}`)
    const done = accounts.map((account) =>
      books.ledger.deposit(deposit({ account, payment: account, amount: msat(7n) })),
    )
    expect(await books.ledger.balance('account-0')).toMatchObject({ paid: 7n })
    await Promise.all(done)
    expect(await books.ledger.balance('account-1')).toMatchObject({ paid: 7n })
    expect(await books.statement.verify()).toMatchObject({ ok: true, value: { accounts: 12_000 } })
    await books.close()
  })

  it('goes on while a commit takes long, and admits nothing after two seconds', async () => {
    books = open(PLANTED)
    await books.ledger.deposit(deposit())
    plant(path, { at: 'inside', does: 2_400 })
    const slow = books.ledger.deposit(deposit({ payment: 'p2' }))
    await until(() => !isPlanted(path))
    const began = performance.now()
    await books.ledger.hold(hold())
    await books.ledger.settle('h1', charge(60n))
    expect(performance.now() - began).toBeLessThan(200)
    expect(await books.ledger.balance('ann')).toMatchObject({ paid: 1_940n })
    expect([books.healthy(), await isDone(slow)]).toEqual([true, false])
    await until(() => !books.healthy())
    await slow
    // What was settled meanwhile has waited for two seconds too.
    await books.flush()
    expect([books.healthy(), troubles]).toEqual([true, []])
    await books.close()
  })

  it('removes released holds on the thread', async () => {
    books = open()
    await books.ledger.deposit(deposit())
    for (let i = 0; i < 250; i++) {
      await books.ledger.hold(hold({ id: `h${i}` }))
      await books.ledger.release(`h${i}`, 'refused', 1_000)
    }
    expect(await books.prune(2_000)).toBe(250)
    expect(onDisk('SELECT count(*) FROM postings')).toEqual([1])
    expect(await books.statement.verify()).toMatchObject({ ok: true })
    await books.close()
  })

  it('stops if another process writes to the file', async () => {
    books = open()
    await books.ledger.deposit(deposit())
    const other = new DatabaseSync(path)
    other.exec("INSERT INTO facts VALUES ('a', 'b')")
    other.close()
    const never = books.ledger.deposit(deposit({ payment: 'p2' }))
    await until(() => !books.healthy())
    expect([await isDone(never), troubles]).toEqual([false, ['trouble']])
    const lost = expect(never).rejects.toThrow('could not be written')
    await expect(books.close()).rejects.toThrow('could not be written')
    await lost
    expect(onDisk(DEPOSITS)).toEqual(['p1'])
  })

  it('that is full stops admission, and no row is lost or invented', async () => {
    books = open(PLANTED)
    await books.ledger.deposit(deposit())
    plant(path, { at: 'inside', does: 'throw', times: 3 })
    const first = books.ledger.deposit(deposit({ payment: 'p2' }))
    await until(() => !books.healthy())
    const second = books.ledger.deposit(deposit({ payment: 'p3' }))
    expect([await isDone(Promise.race([first, second])), onDisk(DEPOSITS)]).toEqual([false, ['p1']])
    await Promise.all([first, second])
    expect([books.healthy(), troubles]).toEqual([true, ['trouble', 'solved']])
    await books.close()
    expect(onDisk(DEPOSITS)).toEqual(['p1', 'p2', 'p3'])
  })
})

describe('B6 I12 a thread that dies is started again, and is asked nothing twice', () => {
  const MOMENTS: readonly Plant['at'][] = ['sealed', 'inside', 'committed', 'answered']

  it.each(MOMENTS)('%s', async (at) => {
    books = open(PLANTED)
    const { ledger } = books
    await ledger.deposit(deposit())
    await ledger.hold(hold({ id: 'h1' }))
    await ledger.hold(hold({ id: 'h2' }))
    await ledger.extend('h2', 99_000, msat(30n))
    await books.flush()
    plant(path, { at, does: 'die' })
    await ledger.settle('h1', charge(60n))
    await ledger.extend('h2', 99_000, msat(40n))
    await ledger.hold(hold({ id: 'h3' }))
    const waits = ledger.deposit(deposit({ payment: 'p2' }))
    const again = ledger.deposit(deposit({ payment: 'p2' }))
    if (at !== 'answered') {
      await until(() => !books.healthy())
      // The thread may be writing again by now, so this is looked at without a pause.
      const isThere = onDisk(DEPOSITS).includes('p2')
      expect(isThere).toBe(at === 'committed')
    }
    expect(await waits).toMatchObject({ ok: true })
    expect(await again).toMatchObject({ error: 'already_deposited' })
    await until(() => troubles.length === 2)
    expect([books.healthy(), troubles]).toEqual([true, ['trouble', 'solved']])
    expect(onDisk(DEPOSITS)).toEqual(['p1', 'p2'])
    expect(await books.statement.verify()).toMatchObject({ ok: true })
    await ledger.deposit(deposit({ payment: 'p3' }))
    await books.close()
    expect(onDisk('SELECT clean FROM book')).toEqual([1])
    const later = open()
    expect(await later.ledger.balance('ann')).toMatchObject({ paid: 2_740n, held: 200n })
    await later.ledger.recover(5_000)
    expect(await later.ledger.balance('ann')).toMatchObject({ paid: 2_900n, held: 0n })
    expect(await later.statement.verify()).toMatchObject({ ok: true, value: { openHolds: 0 } })
    await later.close()
  })

  it('while nothing is written: nothing is admitted until it is there again', async () => {
    books = open(PLANTED)
    await books.ledger.deposit(deposit())
    plant(path, { at: 'answered', does: 'die' })
    await books.ledger.deposit(deposit({ payment: 'p2' }))
    await until(() => !books.healthy())
    expect(troubles).toEqual(['trouble'])
    await until(() => books.healthy())
    expect(troubles).toEqual(['trouble', 'solved'])
    await books.close()
  })

  it('again and again: with growing pauses, and without an end', async () => {
    books = open(PLANTED)
    await books.ledger.deposit(deposit())
    plant(path, { at: 'sealed', does: 'die', times: 3 })
    const waits = books.ledger.deposit(deposit({ payment: 'p2' }))
    const began = performance.now()
    await waits
    expect(performance.now() - began).toBeGreaterThan(1_700)
    expect(troubles.at(-1)).toBe('solved')
    await books.close()
    expect(onDisk(DEPOSITS)).toEqual(['p1', 'p2'])
  })

  it('while the ledger closes: the rest is written by the next one', async () => {
    books = open(PLANTED)
    await books.ledger.deposit(deposit())
    plant(path, { at: 'inside', does: 'die' })
    const waits = books.ledger.deposit(deposit({ payment: 'p2' }))
    await books.close()
    await waits
    expect(onDisk(DEPOSITS)).toEqual(['p1', 'p2'])
  })
})
