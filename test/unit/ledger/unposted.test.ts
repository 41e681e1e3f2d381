import { copyFileSync, existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/ledger/open-ledger.ts'
import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { msat } from '../../../src/money/msat.ts'
import { ScriptWorld } from '../../contract/ledger-script.ts'
import { scratch } from './scratch.ts'
import { charge, deposit, hold } from './use.ts'

/** Holds that are in memory alone: what a crash makes of them, and what the file says meanwhile. */

let folder = scratch()
const opened: Books[] = []
const open = (name = 'ledger.db'): Books => {
  const path = folder.path(name)
  const books = openSqliteBooks({ path, kind: 'play', world: new ScriptWorld() })
  opened.push(books)
  return books
}

beforeEach(() => {
  folder = scratch()
})
afterEach(async () => {
  for (const books of opened.splice(0)) await books.close()
  folder.remove()
})

/** What is on the disk now, opened as after a crash of the process that has it open. */
async function crashed(books: Books, name = 'crashed.db'): Promise<Books> {
  await books.flush()
  for (const end of ['', '-wal']) {
    const from = `${folder.path('ledger.db')}${end}`
    if (existsSync(from)) copyFileSync(from, `${folder.path(name)}${end}`)
  }
  const again = open(name)
  expect(await again.statement.verify()).toMatchObject({ ok: true })
  await again.ledger.recover(9_000)
  expect(await again.statement.verify()).toMatchObject({ ok: true, value: { openHolds: 0 } })
  return again
}

const page = { limit: 9, before: null }
const METERED = [{ meter: 'm', unit: 'calls', window: 'day', max: 9n }] as const

describe('B6 a crash while a hold is open', () => {
  it('without limits and before its first journal: it has never been, and its money is back', async () => {
    const books = open()
    await books.ledger.deposit(deposit())
    await books.ledger.hold(hold())
    expect(await books.ledger.balance('ann')).toMatchObject({ paid: 900n, held: 100n })
    const again = await crashed(books)
    expect(await again.ledger.balance('ann')).toMatchObject({ paid: 1_000n, held: 0n })
    expect(await again.ledger.usage('ann', null, page)).toEqual([])
    expect(await again.ledger.settle('h1', charge(9n))).toEqual({
      ok: false,
      error: 'hold_not_found',
    })
  })

  it('that was journalled: the journal is charged', async () => {
    const books = open()
    await books.ledger.deposit(deposit())
    await books.ledger.hold(hold())
    await books.ledger.extend('h1', 99_000, msat(30n))
    const again = await crashed(books)
    expect(await again.ledger.balance('ann')).toMatchObject({ paid: 970n, held: 0n })
    expect(await again.ledger.usage('ann', null, page)).toMatchObject([{ id: 'h1', charged: 30n }])
  })

  it('with a meter: it is found, and costs nothing', async () => {
    const books = open()
    await books.ledger.deposit(deposit())
    await books.ledger.hold(hold({ limits: METERED }))
    const again = await crashed(books)
    expect(await again.ledger.balance('ann')).toMatchObject({ paid: 1_000n, held: 0n })
    expect(await again.ledger.usage('ann', null, page)).toMatchObject([{ end: 'expired' }])
  })

  it('J4 for which a debt waited: the next start takes the debt from what came back', async () => {
    const books = open()
    await books.ledger.deposit(deposit({ amount: msat(100n) }))
    await books.ledger.hold(hold({ id: 'h1', most: 40 }))
    await books.ledger.hold(hold({ id: 'h2', most: 60 }))
    expect(await books.ledger.settle('h1', charge(70n))).toMatchObject({ value: { owed: 30n } })
    const again = await crashed(books)
    expect(await again.ledger.balance('ann')).toMatchObject({ paid: 30n, held: 0n, owed: 0n })
    expect(await again.ledger.usage('ann', null, page)).toMatchObject([{ id: 'h1', charged: 70n }])
  })

  it('J4 and the rest of that debt is given up, as if the request had ended', async () => {
    const books = open()
    await books.ledger.deposit(deposit({ amount: msat(100n) }))
    await books.ledger.hold(hold({ id: 'h1', most: 40 }))
    await books.ledger.hold(hold({ id: 'h2', most: 60 }))
    await books.ledger.settle('h1', charge(170n))
    const again = await crashed(books)
    expect(await again.ledger.balance('ann')).toMatchObject({ paid: 0n, held: 0n, owed: 0n })
    const proof = await again.statement.verify()
    const drawers = proof.ok ? proof.value.drawers : []
    expect(drawers).toContainEqual({ drawer: 'loss:overrun', balance: -70n })
    expect(await again.ledger.deposit(deposit({ payment: 'p2' }))).toMatchObject({
      value: { paid: 1_000n },
    })
  })

  it('J4 but a debt waits on for another hold of the account that was posted', async () => {
    const books = open()
    await books.ledger.deposit(deposit({ amount: msat(100n) }))
    await books.ledger.hold(hold({ id: 'h1', most: 30 }))
    await books.ledger.hold(hold({ id: 'h2', most: 30 }))
    await books.ledger.hold(hold({ id: 'h3', most: 40, limits: METERED }))
    await books.ledger.extend('h3', 99_000, msat(35n))
    await books.ledger.settle('h1', charge(90n))
    const again = await crashed(books)
    // 30 came back of h2, 5 of h3. Of the 60 that h1 owed, 25 are missing.
    expect(await again.ledger.balance('ann')).toMatchObject({ paid: 0n, held: 0n, owed: 0n })
    expect(await again.ledger.usage('ann', null, page)).toMatchObject([
      { id: 'h3', charged: 35n },
      { id: 'h1', charged: 65n },
    ])
  })
})

describe('a hold in memory alone', () => {
  it('is open after a stop without a crash', async () => {
    const books = open()
    await books.ledger.deposit(deposit())
    await books.ledger.hold(hold())
    await opened.pop()?.close()
    const again = open()
    expect(await again.ledger.balance('ann')).toMatchObject({ paid: 900n, held: 100n })
    expect(await again.ledger.settle('h1', charge(9n))).toMatchObject({ value: { after: 991n } })
  })

  it('is seen by those who look at the holds, the accounts or the entries', async () => {
    for (const [i, look] of (['holds', 'accounts', 'entries'] as const).entries()) {
      const books = open(`${look}.db`)
      await books.ledger.deposit(deposit())
      await books.ledger.hold(hold())
      const before = await books.statement.verify()
      expect(before).toMatchObject({ ok: true, value: { openHolds: 0, postings: 1 } })
      const seen = [{ id: 'h1', amount: 100n }, { held: 100n, paid: 900n }, { why: 'hold' }][i]
      expect((await books.statement[look](1))[0], look).toMatchObject(seen ?? {})
      const after = await books.statement.verify()
      expect(after).toMatchObject({ ok: true, value: { openHolds: 1, postings: 2 } })
    }
  })

  it('keeps its money when its account leaves the cache', async () => {
    const books = open()
    await books.ledger.deposit(deposit())
    await books.ledger.deposit(deposit({ payment: 'g', amount: msat(50n), credit: 'bonus' }))
    await books.ledger.hold(hold({ id: 'h1', most: 1_010 }))
    await books.ledger.hold(hold({ id: 'h2', most: 10 }))
    const others = Array.from({ length: 25_000 }, (_, i) => `account-${i}`)
    await Promise.all(
      others.map((account) => books.ledger.deposit(deposit({ account, payment: account }))),
    )
    await books.flush()
    expect(await books.ledger.balance('ann')).toMatchObject({ paid: 0n, bonus: 30n, held: 1_020n })
    expect(await books.ledger.settle('h1', charge(1_005n))).toMatchObject({ value: { after: 35n } })
    expect(await books.ledger.release('h2', 'refused', 9)).toMatchObject({ value: { after: 45n } })
    expect(await books.statement.verify()).toMatchObject({ ok: true })
  })

  it('costs the file one row and one posting, and a free one a row', async () => {
    const books = open()
    await books.ledger.deposit(deposit())
    const rows = () => {
      const db = new DatabaseSync(folder.path('ledger.db'), { readOnly: true })
      const count = (table: string) =>
        Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n)
      const counted = ['holds', 'postings', 'meters'].map(count)
      db.close()
      return counted
    }
    await books.flush()
    expect(rows()).toEqual([0, 1, 0])
    for (let i = 0; i < 100; i += 1) {
      await books.ledger.hold(hold({ id: `paid-${i}`, most: 9 }))
      await books.ledger.settle(`paid-${i}`, charge(5n))
      await books.ledger.hold(hold({ id: `free-${i}`, most: 9 }))
      await books.ledger.release(`free-${i}`, 'refused', 9)
    }
    await books.flush()
    expect(rows()).toEqual([200, 101, 0])
  })

  it('has an id that cannot be used again', async () => {
    const books = open()
    await books.ledger.deposit(deposit())
    await books.ledger.hold(hold())
    expect(await books.ledger.hold(hold())).toMatchObject({ error: { why: 'hold_exists' } })
    await books.ledger.release('h1', 'refused', 9)
    expect(await books.ledger.hold(hold())).toMatchObject({ error: { why: 'hold_exists' } })
  })
})
