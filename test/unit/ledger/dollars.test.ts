import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/ledger/open-ledger.ts'
import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { microUsd } from '../../../src/money/usd.ts'
import { ScriptWorld } from '../../contract/ledger-script.ts'
import { scratch } from './scratch.ts'
import { AT_60000, charge, deposit, dollars, hold } from './use.ts'

/** Dollars in a file: what proves them, what is rolled up of them, and what a restart keeps. */

let folder = scratch()
let path = ''
beforeEach(() => {
  folder = scratch()
  path = folder.path('ledger.db')
})
afterEach(() => folder.remove())

const world = new ScriptWorld()
const open = () => openSqliteBooks({ path, kind: 'play', world })

/** 0.6 µ$ a token. */
const AT_PAR = { rate: 6_000_000_000_000n, price: { base: 0n, each: 600_000n } }
const limits = [{ meter: 'm', unit: 'spend', window: 'day', max: 5_000n }] as const

/** One settled hold in sats, one at par, and one that is open. */
async function lived(): Promise<void> {
  const books = open()
  const { ledger } = books
  await ledger.deposit(deposit())
  await ledger.deposit(dollars())
  await ledger.hold(hold({ id: 'h1', least: 1_200, most: 1_200, usd: AT_60000, limits }))
  await ledger.settle('h1', charge(1_150n))
  await ledger.hold(hold({ id: 'h2', usd: AT_PAR }))
  await ledger.settle('h2', { ...charge(50n), usd: microUsd(30n) })
  await ledger.hold(hold({ id: 'h3', usd: AT_60000, limits }))
  await books.close()
}

function tamper(sql: string): void {
  const db = new DatabaseSync(path)
  db.exec(`PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; ${sql}`)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
}

const proofOf = async (books: Books): Promise<readonly string[]> => {
  const proof = await books.statement.verify()
  await books.close()
  return proof.ok ? [] : proof.error
}

const set = (id: string, name: string, value: string) =>
  `UPDATE holds SET dollars = json_set(dollars, '$.${name}', '${value}') WHERE id = '${id}'`

describe('L5 the proof of dollars names', () => {
  const FORGED: Readonly<Record<string, readonly [sql: string, ...doubts: (string | RegExp)[]]>> = {
    'nothing, if nothing was forged': ['SELECT 1'],
    'dollars that a hold did not take': [
      set('h1', 'charged_usd', '80'),
      'hold h1 (settled) says usd 80 micro-dollars, its postings say 90',
      'hold h1 (settled) says spent 80 micro-dollars, its postings say 90',
      'hold h1 took 80 micro-dollars for 150 msat, its rate says 90',
      /^earnings of day 0/,
    ],
    'another rate': [
      set('h1', 'rate', '7000000000000'),
      'hold h1 took 120 micro-dollars for 200 msat, its rate says 140',
      'hold h1 took 90 micro-dollars for 150 msat, its rate says 105',
      /^earnings of day 0/,
    ],
    'bonus that dollars bought': [
      set('h2', 'charged_bought', '40'),
      'hold h2 (settled) says bonus 10 msat, its postings say 0',
      'hold h2 (settled) says bought 40 msat, its postings say 50',
      /^earnings of day 0/,
    ],
    'an open hold with other dollars': [
      set('h3', 'usd', '70'),
      'hold h3 (open) says usd 70 micro-dollars, its postings say 60',
      'hold h3 (open) says spent 70 micro-dollars, its postings say 60',
      'hold h3 took 70 micro-dollars for 100 msat, its rate says 60',
    ],
    'a hold that cannot be read': [
      set('h2', 'bought', '-4'),
      'hold h2 cannot be read: no amount of money: -4 msat',
    ],
    'dollars that moved to another account': [
      `INSERT INTO drawers VALUES (77, 'usd:eve', 0);
       UPDATE drawers SET balance = balance - 5 WHERE name = 'usd:ann';
       UPDATE drawers SET balance = 5 WHERE n = 77`,
      'drawer usd:ann says 815 micro-dollars, its postings say 820',
      'drawer usd:eve says 5 micro-dollars, its postings say 0',
    ],
    'a posting between two units': [
      `INSERT INTO postings SELECT 99, 99, 0, 'deposit', 2, NULL, d.n, c.n, 5
       FROM drawers AS d, drawers AS c WHERE d.name = 'usd:ann' AND c.name = 'revenue:llama3'`,
      'a posting of a deposit moves money from usd: to revenue:, which has another unit',
      'drawer revenue:llama3 says 1200 msat, its postings say 1205',
      'drawer usd:ann says 820 micro-dollars, its postings say 815',
    ],
    'income that nobody paid': [
      "UPDATE income SET amount = 1001 WHERE credit = 'usd'",
      'income of 1970-01-01 x402 usd says 1001 micro-dollars, its deposits say 1000',
    ],
  }
  for (const [what, [sql, ...doubts]] of Object.entries(FORGED)) {
    it(what, async () => {
      await lived()
      tamper(sql)
      // A row of `holds` that is written again takes what it earned off, so earnings are wrong too.
      const found = await proofOf(open())
      expect(found).toHaveLength(doubts.length)
      for (const one of doubts) {
        expect(found).toContainEqual(typeof one === 'string' ? one : expect.stringMatching(one))
      }
    })
  }

  it('dollars that were rolled up', async () => {
    await lived()
    const books = open()
    const { earned } = (await books.statement.earnings())[0] ?? { earned: null }
    expect(await books.archive(100_000)).toBe(2)
    expect(await books.statement.verify()).toMatchObject({ ok: true })
    expect((await books.statement.earnings())[0]?.earned).toBe(earned)
    expect(await books.ledger.outstandingUsd()).toBe(880n)
    await books.close()
    tamper('UPDATE archived SET usd = usd + 1, bought = bought - 1, bonus = bonus + 1')
    expect([...(await proofOf(open()))].sort()).toEqual([
      'drawer exchange:usd says -300 msat, its postings say -299',
      'drawer usd-spent:exchange says 180 micro-dollars, its postings say 181',
      'drawer usd:ann says 820 micro-dollars, its postings say 819',
    ])
  })
})

describe('L5 a file', () => {
  it('cannot have less than no dollars, and owes none to a rail', async () => {
    await lived()
    const db = new DatabaseSync(path)
    const raise = (name: string, by: number) => () =>
      db.exec(`UPDATE drawers SET balance = balance + ${by} WHERE name = '${name}'`)
    expect(raise('usd:ann', -821)).toThrow('CHECK constraint failed')
    expect(raise('usd-rail:x402', 1_001)).toThrow('CHECK constraint failed')
    expect(raise('exchange:usd', 301)).toThrow('CHECK constraint failed')
    expect(raise('usd-spent:exchange', -181)).toThrow('CHECK constraint failed')
    db.close()
  })

  it('is not opened if its dollars do not sum up', async () => {
    await lived()
    tamper("UPDATE totals SET msat = msat + 1 WHERE kind = 'usd'")
    expect(open).toThrow('its drawers in dollars sum up to 1 micro-dollars, not to 0')
  })

  it('says of no hold that no dollars paid for it', async () => {
    const books = open()
    await books.ledger.deposit(deposit())
    await books.ledger.hold(hold({ id: 'h1', usd: AT_60000 }))
    await books.ledger.settle('h1', charge(50n))
    await books.close()
    const db = new DatabaseSync(path)
    expect(db.prepare('SELECT dollars FROM holds').all()).toEqual([{ dollars: null }])
    db.close()
  })
})
