import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/ledger/open-ledger.ts'
import { openDatabase } from '../../../src/ledger/sqlite/database.ts'
import { MIGRATIONS } from '../../../src/ledger/sqlite/schema.ts'
import { booksOver, openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { msat } from '../../../src/money/msat.ts'
import { ScriptWorld } from '../../contract/ledger-script.ts'
import { scratch } from './scratch.ts'
import { charge, deposit, hold } from './use.ts'

/** Withdrawals in a file: what proves them, what keeps them, and where old sources come from. */

let folder = scratch()
let path = ''
beforeEach(() => {
  folder = scratch()
  path = folder.path('ledger.db')
})
afterEach(() => folder.remove())

const world = new ScriptWorld()
const DAY = 86_400_000

const withdraw = (books: Books, id: string, amount: bigint, account = 'ann') =>
  books.withdrawals.withdraw({
    ...{ id, account, source: 'lnd', amount: msat(amount), fee: msat(10n) },
    ...{ kind: 'lightning', at: DAY },
  })
const sent = (books: Books, id: string) =>
  books.withdrawals.closeWithdrawal(id, { is: 'sent', fee: msat(4n), at: DAY })
const failed = (books: Books, id: string) =>
  books.withdrawals.closeWithdrawal(id, { is: 'failed', reason: 'no route', at: DAY })

/** One that was sent, one that failed and one that is open. */
async function lived(books: Books): Promise<void> {
  const paid = { source: 'lnd', bonus: msat(100n) }
  await books.ledger.deposit(deposit(paid))
  await books.ledger.deposit(deposit({ ...paid, payment: 'p2', account: 'bob' }))
  await withdraw(books, 'w1', 300n)
  await sent(books, 'w1')
  await withdraw(books, 'w2', 100n)
  await failed(books, 'w2')
  await withdraw(books, 'w3', 200n, 'bob')
  await books.ledger.hold(hold())
  await books.ledger.settle('h1', charge(40n))
  await books.flush()
}

describe('the proof of withdrawals', () => {
  const FORGED: Readonly<Record<string, string>> = {
    'a larger amount': "UPDATE withdrawals SET amount = amount + 1 WHERE id = 'w1'",
    'a smaller fee': "UPDATE withdrawals SET paid_fee = paid_fee - 1 WHERE id = 'w1'",
    'an open one that was closed': `UPDATE withdrawals SET state = 'failed', closed_at = 1, parts = '[]',
      bonus = 0 WHERE id = 'w3'`,
    'a failed one that was sent':
      "UPDATE withdrawals SET state = 'sent', paid_fee = 0 WHERE id = 'w2'",
    'a deposit of which less left':
      "UPDATE deposits SET withdrawn = withdrawn - 1 WHERE payment = 'p1'",
    'a deposit of which more left':
      "UPDATE deposits SET withdrawn = withdrawn + 1 WHERE payment = 'p2'",
    'a part of another deposit': `UPDATE withdrawals SET parts = '[["p2","304"]]' WHERE id = 'w1'`,
    'a part of no deposit': `UPDATE withdrawals SET parts = '[["p9","304"]]' WHERE id = 'w1'`,
    'a bonus that was not taken back': "UPDATE withdrawals SET bonus = 0 WHERE id = 'w1'",
    'a larger bonus of a deposit': "UPDATE deposits SET bonus = 900 WHERE payment = 'p1'",
    'a smaller sum of what left': 'UPDATE outgo SET amount = amount - 1',
    'a lost sum of what left': 'DELETE FROM outgo',
    'a withdrawal that is gone': "DELETE FROM withdrawals WHERE id = 'w2'",
    'an open one that is gone': "DELETE FROM withdrawals WHERE id = 'w3'",
    'another posting': `INSERT INTO withdrawal_postings SELECT 999, 999, 0, 'send', 1, d.n, c.n, 5
      FROM drawers AS d, drawers AS c WHERE d.name = 'leaving:bob' AND c.name = 'sent:lnd'`,
    'a posting of no withdrawal': `INSERT INTO withdrawal_postings SELECT 999, 999, 0, 'send', 77, d.n, c.n, 5
      FROM drawers AS d, drawers AS c WHERE d.name = 'leaving:bob' AND c.name = 'sent:lnd'`,
    'a moved drawer': "UPDATE drawers SET balance = balance - 1 WHERE name = 'sent:lnd'",
  }
  it.each(Object.entries(FORGED))('finds %s', async (_, sql) => {
    const books = openSqliteBooks({ path, kind: 'play', world })
    await lived(books)
    expect(await books.statement.verify()).toMatchObject({ ok: true })
    const other = new DatabaseSync(path, { enableForeignKeyConstraints: false })
    other.exec(sql)
    other.close()
    expect((await books.statement.verify()).ok).toBe(false)
    await books.close().catch(() => {})
  })

  it('rests on postings that are neither edited nor removed', async () => {
    const db = openDatabase({ path, kind: 'play', now: 0 })
    const books = booksOver(db, { path, kind: 'play', world })
    await lived(books)
    expect(() => db.exec('UPDATE withdrawal_postings SET amount = 1')).toThrow('never edited')
    expect(() => db.exec('DELETE FROM withdrawal_postings')).toThrow('never removed')
    await books.close()
  })

  it('L12 the file itself has one open withdrawal for each account', async () => {
    const db = openDatabase({ path, kind: 'play', now: 0 })
    const books = booksOver(db, { path, kind: 'play', world })
    await lived(books)
    const again = `INSERT INTO withdrawals SELECT 99, 'w9', account, source, amount, fee, kind, at, state,
      paid_fee, reason, closed_at, parts, bonus, instead, overrun FROM withdrawals WHERE id = 'w3'`
    expect(() => db.exec(again)).toThrow('UNIQUE')
    await books.close()
  })
})

it('deposits and withdrawals stay when requests are pruned and archived', async () => {
  const books = openSqliteBooks({ path, kind: 'play', world })
  await lived(books)
  const shown = async () => ({
    may: await books.withdrawals.withdrawable('ann'),
    outgo: await books.statement.outgo(),
    owed: await books.statement.owedBySource(),
    open: await books.withdrawals.openWithdrawals(),
    closed: await books.withdrawals.withdrawal('w1'),
  })
  const before = await shown()
  expect(await books.archive(9 * DAY)).toBe(1)
  await books.prune(9 * DAY)
  expect(await shown()).toEqual(before)
  expect(await books.statement.verify()).toMatchObject({ ok: true })
  expect((await books.statement.entries(99)).map(({ why, ref }) => `${why} ${ref}`)).toEqual([
    ...['withdraw w3', 'return w2', 'withdraw w2', 'send w1', 'withdraw w1'],
    ...['deposit p2', 'deposit p1'],
  ])
  await books.close()
})

it('as many deposits are read as the money needs, in parts', async () => {
  const books = openSqliteBooks({ path, kind: 'play', world })
  for (let i = 0; i < 130; i++) {
    const source = i % 2 === 0 ? 'lnd' : 'mint'
    const paid = deposit({ payment: `p${i}`, amount: msat(10n), source })
    if (i % 40 === 0) await books.ledger.deposit(paid)
    else books.ledger.deposit(paid).catch(() => {})
  }
  expect(await books.withdrawals.withdrawable('ann')).toEqual([
    { source: 'mint', amount: 650n },
    { source: 'lnd', amount: 650n },
  ])
  expect(await withdraw(books, 'w1', 635n)).toMatchObject({ ok: true })
  expect(await books.withdrawals.withdrawable('ann')).toEqual([
    { source: 'mint', amount: 650n },
    { source: 'lnd', amount: 5n },
  ])
  await failed(books, 'w1')
  await books.ledger.hold(hold({ most: 1_255 }))
  expect(await books.withdrawals.withdrawable('ann')).toEqual([
    { source: 'mint', amount: 25n },
    { source: 'lnd', amount: 20n },
  ])
  await books.close()
})

it('an older deposit has the wallet of its invoice as its source, and a gift has none', async () => {
  const older = MIGRATIONS.findIndex((sql) => sql.includes('CREATE TABLE withdrawals'))
  const db = new DatabaseSync(path)
  db.exec(`${MIGRATIONS.slice(0, older).join(';')};
    PRAGMA application_id = 0x73617467; PRAGMA user_version = ${older};
    INSERT INTO book (one, kind, created_at) VALUES (1, 'play', 1);
    INSERT INTO accounts VALUES (1, 'ann', 1), (2, 'bob', 1);
    INSERT INTO drawers VALUES (1, 'rail:l402', -1500), (2, 'paid:ann', 1500), (3, 'grant:gift', -70),
      (4, 'bonus:bob', 70);
    INSERT INTO lightning_invoices VALUES ('aa', 'ann', 1000, 'lnd', 'lnbc', 1, 2, 1, 0),
      ('bb', 'ann', 500, 'ecash', 'lnbc', 1, 2, 1, 0);
    INSERT INTO deposits VALUES (1, 'ln:aa', 1, 1000, 'paid', 'l402', '1', 'sat', '1000', 1),
      (2, 'ln:bb', 1, 500, 'paid', 'l402', '1', 'sat', '1000', 1),
      (3, 'grant:cc', 2, 70, 'bonus', 'gift', '1', 'sat', '1000', 1);
    INSERT INTO postings VALUES (1, 1, 1, 'deposit', 1, NULL, 1, 2, 1000),
      (2, 2, 1, 'deposit', 2, NULL, 1, 2, 500), (3, 3, 1, 'deposit', 3, NULL, 3, 4, 70)`)
  db.close()
  const books = openSqliteBooks({ path, kind: 'play', world })
  expect(await books.statement.verify()).toMatchObject({ ok: true })
  expect(await books.withdrawals.withdrawable('ann')).toEqual([
    { source: 'ecash', amount: 500n },
    { source: 'lnd', amount: 1_000n },
  ])
  expect(await books.withdrawals.withdrawable('bob')).toEqual([])
  await books.withdrawals.nameSource('ln:bb', 'ecash https://mint.example')
  expect(await withdraw(books, 'w1', 990n)).toMatchObject({ ok: true })
  await books.close()
  const again = openSqliteBooks({ path, kind: 'play', world })
  expect(await again.withdrawals.withdrawable('ann')).toEqual([
    { source: 'ecash https://mint.example', amount: 500n },
  ])
  expect(await again.statement.verify()).toMatchObject({ ok: true })
  await again.close()
})
