import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LedgerDamaged, LedgerTooNew, WrongMoneyKind } from '../../../src/ledger/errors.ts'
import type { MoneyKind } from '../../../src/ledger/ledger.ts'
import { openDatabase } from '../../../src/ledger/sqlite/database.ts'
import { MIGRATIONS } from '../../../src/ledger/sqlite/schema.ts'
import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { msat } from '../../../src/money/msat.ts'
import { ScriptWorld } from '../../contract/ledger-script.ts'
import { scratch } from './scratch.ts'
import { charge, deposit, hold } from './use.ts'

/** The file of the ledger: who can read it, which versions are opened, and when it is refused. */

let folder = scratch()
let path = ''
const open = (kind: MoneyKind = 'play') => openSqliteBooks({ path, kind, world: new ScriptWorld() })

beforeEach(() => {
  folder = scratch()
  path = folder.path('ledger.db')
})
afterEach(() => folder.remove())

/** A used ledger: two open holds, one that was settled above its hold, and a meter. */
async function lived(): Promise<void> {
  const books = open()
  const { ledger } = books
  await ledger.deposit(deposit())
  const limits = [{ meter: 'm', unit: 'spend', window: 'day', max: 500n }] as const
  await ledger.hold(hold({ id: 'h1', limits }))
  await ledger.settle('h1', charge(130n))
  await ledger.hold(hold({ id: 'h2', limits }))
  await ledger.hold(hold({ id: 'h3' }))
  await books.close()
}

function tamper(sql: string): void {
  const db = new DatabaseSync(path)
  db.exec(`PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; ${sql}`)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
}

describe('a ledger file', () => {
  it('is readable by its owner alone', async () => {
    await open().close()
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('I9 keeps the kind of money it was made for, and refuses another by name', async () => {
    await lived()
    expect(() => open('real')).toThrow(WrongMoneyKind)
    expect(() => open('test')).toThrow('keeps play money, not test money')
    const books = open('play')
    expect([books.kind, (await books.ledger.balance('ann'))?.paid]).toEqual(['play', 670n])
    await books.close()
  })

  it('has each commit on disk when it says so', () => {
    const db = openDatabase({ path, kind: 'play', now: 0 })
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    expect(db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
    db.close()
  })

  it('never lets a posting be edited or removed', async () => {
    await lived()
    expect(() => tamper('UPDATE postings SET amount = 1')).toThrow('never edited')
    expect(() => tamper('DELETE FROM postings')).toThrow('never removed')
  })

  it('does not let a buyer’s drawer fall below zero, whatever causes it', async () => {
    await lived()
    const db = new DatabaseSync(path)
    const take = "UPDATE drawers SET balance = balance - 9999 WHERE name = 'paid:ann'"
    expect(() => db.exec(take)).toThrow('CHECK constraint failed')
    db.close()
  })

  it('forgets nothing when its cache forgets', async () => {
    const books = open()
    const accounts = Array.from({ length: 25_000 }, (_, i) => `account-${i}`)
    const done = accounts.map((account) =>
      books.ledger.deposit(deposit({ account, payment: account, amount: msat(7n) })),
    )
    // The first one has left the cache, and is not on disk yet.
    expect(await books.ledger.balance('account-0')).toMatchObject({ paid: 7n })
    await Promise.all(done)
    await books.ledger.hold(hold({ account: 'account-1', most: 3 }))
    expect(await books.ledger.balance('account-1')).toMatchObject({ paid: 4n, held: 3n })
    expect(await books.statement.verify()).toMatchObject({ ok: true, value: { accounts: 25_000 } })
    await books.close()
  })
})

describe('a damaged ledger is reported as damaged, and nothing is served from it:', () => {
  const refused = () => {
    const before = readFileSync(path)
    expect(() => open()).toThrow(LedgerDamaged)
    expect(() => open()).toThrow(path)
    expect(readFileSync(path).equals(before)).toBe(true)
  }

  it('no database at all', () => {
    writeFileSync(path, 'Dear ledger, '.repeat(1_000))
    refused()
  })

  it('another program’s database', () => {
    tamper('CREATE TABLE photos (id INTEGER)')
    refused()
  })

  it('one that is cut short', async () => {
    await lived()
    truncateSync(path, 4096 * 5)
    refused()
  })

  it('one with a page of noise in it', async () => {
    await lived()
    const bytes = readFileSync(path)
    bytes.fill(0xa5, 4096 * 3, 4096 * 4)
    writeFileSync(path, bytes)
    refused()
  })

  const TAMPERED = {
    'a balance that was raised': "UPDATE drawers SET balance = 9999 WHERE name = 'paid:ann'",
    'a drawer below zero':
      "UPDATE drawers SET balance = -1 WHERE name = 'paid:ann'; UPDATE drawers SET balance = balance + 671 WHERE name = 'held:ann'",
    'held money without its hold': "DELETE FROM holds WHERE id = 'h2'",
    'an open hold that was raised':
      "UPDATE holds SET amount = 999, paid = 999, bonus = 0 WHERE id = 'h2'",
    'a total of drawers that was changed':
      "UPDATE totals SET msat = msat - 5 * iif(kind = 'paid', 1, -1) WHERE kind IN ('paid', 'revenue')",
    'a debt without its drawer': "UPDATE holds SET owed = 5 WHERE id = 'h1'",
    'shares of meters that cannot be read': "UPDATE holds SET counts = 'x' WHERE id = 'h2'",
  }
  for (const [what, sql] of Object.entries(TAMPERED)) {
    it(what, async () => {
      await lived()
      tamper(sql)
      refused()
    })
  }
})

describe('a proof names', () => {
  const WRONG: Readonly<Record<string, readonly [sql: string, ...doubts: string[]]>> = {
    'money moved between drawers': [
      `UPDATE drawers SET balance = balance - 5 WHERE name = 'paid:ann';
       UPDATE drawers SET balance = balance + 5 WHERE name = 'revenue:llama3'`,
      'drawer paid:ann says 665 msat, its postings say 670',
      'drawer revenue:llama3 says 135 msat, its postings say 130',
    ],
    'a charge that was never posted': [
      "UPDATE holds SET charged_paid = 120 WHERE id = 'h1'",
      'hold h1 (settled) says revenue 120 msat, its postings say 130',
      'hold h1 (settled) says paid 120 msat, its postings say 130',
      'earnings of day 0 llama3 say 0,0,0,0,0,0,0,0,0,0,0,0, its holds say 1,120,0,1,0,0,2,0,0,0,0,0',
    ],
    'a meter that was emptied': [
      'UPDATE meters SET used = 0',
      'meter m spend/day 0 says 0 used and 100 held, its holds say 130 and 100',
    ],
    'a meter that is missing': [
      'DELETE FROM meters',
      'meter m spend/day 0 says 0 used and 0 held, its holds say 130 and 100',
    ],
    'a posting that was added': [
      `INSERT INTO postings SELECT 99, 99, 0, 'deposit', 1, NULL, d.n, c.n, 5
       FROM drawers AS d, drawers AS c WHERE d.name = 'rail:l402' AND c.name = 'paid:ann'`,
      'drawer rail:l402 says -1000 msat, its postings say -1005',
      'drawer paid:ann says 670 msat, its postings say 675',
    ],
    'a posting that was edited': [
      "DROP TRIGGER postings_are_not_edited; UPDATE postings SET amount = 99 WHERE why = 'hold' AND n = 2",
      'hold h1 (settled) says held 0 msat, its postings say -1',
      'hold h1 (settled) says paid 130 msat, its postings say 129',
      'drawer paid:ann says 670 msat, its postings say 671',
      'drawer held:ann says 200 msat, its postings say 199',
    ],
    'a debt that nobody has': [
      `INSERT INTO drawers VALUES (77, 'owed:ann', 0);
       UPDATE drawers SET balance = balance + 5 WHERE name = 'revenue:llama3';
       UPDATE drawers SET balance = -5 WHERE n = 77;
       UPDATE holds SET owed = 5 WHERE id = 'h1'`,
      'hold h1 (settled) says revenue 135 msat, its postings say 130',
      'hold h1 (settled) says owed 5 msat, its postings say 0',
      'drawer revenue:llama3 says 135 msat, its postings say 130',
      'drawer owed:ann says -5 msat, its postings say 0',
      'earnings of day 0 llama3 say 0,0,0,0,0,0,0,0,0,0,0,0, its holds say 1,130,0,1,0,0,2,0,0,0,0,0',
    ],
    'earnings that nobody was charged': [
      'UPDATE earnings SET earned = 131, image = 2',
      'earnings of day 0 llama3 say 1,131,0,1,0,0,2,2,0,0,0,0, its holds say 1,130,0,1,0,0,2,0,0,0,0,0',
    ],
    'earnings that are missing': [
      'DELETE FROM earnings',
      'earnings of day 0 llama3 say nothing, its holds say 1,130,0,1,0,0,2,0,0,0,0,0',
    ],
    'income that nobody paid': [
      'UPDATE income SET amount = 1001',
      'income of 1970-01-01 l402 paid says 1001 msat, its deposits say 1000',
    ],
    'a row that names nobody': [
      "UPDATE deposits SET account = 77 WHERE payment = 'p1'",
      'a row of deposits names a row of accounts that is not there',
    ],
  }
  for (const [what, [sql, ...doubts]] of Object.entries(WRONG)) {
    it(what, async () => {
      await lived()
      tamper(sql)
      const books = open()
      const proof = await books.statement.verify()
      expect(proof.ok ? [] : proof.error).toEqual(doubts)
      await books.close()
    })
  }

  it('a difference to the running ledger', async () => {
    await lived()
    const books = open()
    await books.ledger.balance('ann')
    tamper(`
      INSERT INTO postings SELECT 99, 99, 0, 'deposit', 1, NULL, d.n, c.n, 5
        FROM drawers AS d, drawers AS c WHERE d.name = 'rail:l402' AND c.name = 'paid:ann';
      UPDATE drawers SET balance = balance - 5 WHERE name = 'rail:l402';
      UPDATE drawers SET balance = balance + 5 WHERE name = 'paid:ann'`)
    expect(await books.statement.verify()).toEqual({
      ok: false,
      error: ['drawer paid:ann says 675 msat, the running ledger says 670'],
    })
    await books.close()
  })
})

const V1_ROWS = `
   INSERT INTO book VALUES (1, 'play', 1);
   INSERT INTO accounts VALUES (1, 'ann', 1);
   INSERT INTO drawers VALUES (1, 'rail:l402', -1000), (2, 'paid:ann', 870), (3, 'held:ann', 100),
     (4, 'revenue:llama3', 30);
   INSERT INTO deposits VALUES (1, 'p1', 1, 1000, 'paid', 'l402', '1', 'sat', '1000', 1);
   INSERT INTO holds VALUES (1, 'h1', 1, NULL, 'llama3', 'openai-chat', 100, 100, 1000, 100, 0, 1,
     9, 0, NULL, 'settled', 2, 'complete', 'reported', 1, 0, 2, 30, 0, 0);
   INSERT INTO holds VALUES (2, 'h2', 1, 'x', 'llama3', 'openai-chat', 100, 100, 970, 100, 0, 3,
     9, 40, '[["m spend/total 0","spend","500","100"]]', 'open', NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL);
   INSERT INTO meters VALUES ('m spend/total 0', 0, 100);
   INSERT INTO postings VALUES (1, 1, 1, 'deposit', 1, NULL, 1, 2, 1000),
     (2, 2, 1, 'hold', NULL, 1, 2, 3, 100), (3, 3, 2, 'settle', NULL, 1, 3, 4, 30),
     (4, 3, 2, 'settle', NULL, 1, 3, 2, 70), (5, 4, 3, 'hold', NULL, 2, 2, 3, 100);
   INSERT INTO invoices VALUES ('a', 't', 'k', 'ann', 1000, 'play', NULL, 1, 1, 2, NULL, NULL);
   INSERT INTO facts VALUES ('settle_index', '7');`

const V2_ROWS = V1_ROWS.replace('1, 1, 2, NULL, NULL);', '1, 1, 2, NULL, NULL, NULL);')
const V3_ROWS = V2_ROWS.replace('30, 0, 0);', '30, 0, 0, 0);').replace(
  /NULL, NULL, NULL, NULL\);(?=\s+INSERT INTO meters)/,
  'NULL, NULL, NULL, NULL, 0);',
)

const V5_ROWS = V3_ROWS.replace("'play', 1);", "'play', 1, '0a0b0c0d');")
  .replace('30, 0, 0, 0);', '30, 0, 0, 0, NULL, NULL, NULL);')
  .replace('NULL, 0);', "NULL, 0, '0a0b0c0d', NULL, NULL);")
const V6_ROWS = V5_ROWS.replace(
  /INSERT INTO invoices .*/,
  `INSERT INTO passes VALUES ('a', 'ln:a', 't', 'k', 'ann', 0, NULL, 1, NULL);
   INSERT INTO lightning_invoices VALUES ('a', 'ann', 1000, 'play', '', 1, 2, NULL);`,
)
const V7_ROWS = V6_ROWS.replace("'0a0b0c0d');", "'0a0b0c0d', 7, 'w', 1);")
// Up to here, triggers of the version write the sums.
const V8_ROWS = V7_ROWS.replace("total 0', 0, 100)", "total 0', 0, 100, 0)")

/** From version 9 on, what holds earned is written with them. */
const V9_ROWS = `${V8_ROWS} INSERT INTO earnings (day, model, requests, input, cached, output, earned, overrun)
  VALUES (0, 'llama3', 1, 1, 0, 2, 30, 0);`

/** From version 10 on, an invoice has the bonus that was promised with it. */
const V10_ROWS = V9_ROWS.replace(
  "INSERT INTO lightning_invoices VALUES ('a', 'ann', 1000, 'play', '', 1, 2, NULL)",
  "INSERT INTO lightning_invoices VALUES ('a', 'ann', 1000, 'play', '', 1, 2, NULL, 0)",
)

/** From version 11 on, a pass has a generation. */
const V11_ROWS = V10_ROWS.replace(
  "'t', 'k', 'ann', 0, NULL, 1, NULL);",
  "'t', 'k', 'ann', 0, NULL, 1, NULL, 0);",
)

/** From version 12 on, a deposit has a source, a bonus, and what of it was withdrawn. */
const V12_ROWS = V11_ROWS.replace("'sat', '1000', 1);", "'sat', '1000', 1, 'lnd', 0, 0);")

/** From version 13 on, a hold may say how dollars pay for it. */
const V13_ROWS = V12_ROWS.replace(
  '30, 0, 0, 0, NULL, NULL, NULL);',
  '30, 0, 0, 0, NULL, NULL, NULL, NULL);',
).replace("NULL, 0, '0a0b0c0d', NULL, NULL);", "NULL, 0, '0a0b0c0d', NULL, NULL, NULL);")

/** From version 14 on, the sums have a column for what was written into a prompt cache. */
const V14_ROWS = V13_ROWS

/**
 * For each released version, rows as that version wrote them. Each migration is tested by opening
 * them. A new migration needs new rows here.
 */
const FIXTURES: readonly string[] = [
  '',
  V1_ROWS,
  V2_ROWS,
  V3_ROWS,
  V3_ROWS,
  V5_ROWS,
  V6_ROWS,
  V7_ROWS,
  V8_ROWS,
  V9_ROWS,
  V10_ROWS,
  V11_ROWS,
  V12_ROWS,
  V13_ROWS,
  V14_ROWS,
]

describe('a ledger of an older version', () => {
  const version = () => {
    const db = new DatabaseSync(path)
    const found = db.prepare('PRAGMA user_version').get()?.user_version
    db.close()
    return found
  }

  it('has a fixture for each version', () => {
    expect(FIXTURES).toHaveLength(MIGRATIONS.length + 1)
  })

  for (const [from, rows] of FIXTURES.entries()) {
    it(`version ${from} becomes version ${MIGRATIONS.length}, with all that was in it`, async () => {
      if (from > 0) {
        const schema = MIGRATIONS.slice(0, from).join(';')
        const id = 'PRAGMA application_id = 0x73617467'
        tamper(`${schema}; ${id}; PRAGMA user_version = ${from}; ${rows}`)
      }
      const books = open()
      expect(version()).toBe(MIGRATIONS.length)
      if (from > 0) {
        expect(await books.ledger.balance('ann')).toMatchObject({ paid: 870n, held: 100n })
        expect(await books.ledger.deposit(deposit())).toMatchObject({ error: 'already_deposited' })
        const [expired] = await books.ledger.recover(5)
        expect(expired).toMatchObject({ id: 'h2', charged: 40n, after: 930n })
        expect(await books.invoices.get('a')).toMatchObject({ amount: 1_000n, settledAt: null })
        const own = { payment: 'ln:a', tokenId: 't', account: 'ann', shared: false, usedAt: null }
        expect(await books.passes.get('a')).toMatchObject({ ...own, generation: 0 })
        expect(books.revocations.rotation('ann')).toBeNull()
        expect(await books.invoices.recall('settle_index')).toBe('7')
      }
      expect(await books.statement.verify()).toMatchObject({ ok: true })
      await books.close()
    })
  }

  it('L4 passes and invoices are separated, and a deposit names its payment and not its rail', async () => {
    const schema = MIGRATIONS.slice(0, 4).join(';')
    tamper(`${schema}; PRAGMA application_id = 0x73617467; PRAGMA user_version = 4; ${V3_ROWS}
      UPDATE deposits SET payment = 'l402:a' WHERE payment = 'p1';
      UPDATE invoices SET settled_at = 5, caveats = '["calls <= 5"]', bolt11 = 'lnbc…';
      INSERT INTO invoices VALUES ('s', '', 'k', 'eve', 9000, 'play', 'lnbc…', 0, 3, 4, NULL, NULL, '[]'),
        ('g', 't', 'k', 'bob', 5000, 'grant', NULL, 1, 6, 6, 7, NULL, NULL);`)
    const books = open()
    const again = { ...deposit(), account: 'ann' }
    expect(await books.ledger.deposit({ ...again, payment: 'ln:a' })).toMatchObject({
      error: 'already_deposited',
    })
    expect((await books.statement.entries(99)).map(({ ref }) => ref)).toContain('ln:a')
    const pass = { keyId: 'k', caveats: null, shared: false, generation: 0 }
    expect(await books.passes.get('a')).toEqual({
      ...{ ...pass, hash: 'a', payment: 'ln:a', tokenId: 't', account: 'ann' },
      ...{ caveats: ['calls <= 5'], createdAt: 1, usedAt: null },
    })
    expect(await books.passes.get('s')).toEqual({
      ...{ ...pass, hash: 's', payment: 'ln:s', tokenId: null, account: 'eve' },
      ...{ shared: true, caveats: [], createdAt: 3, usedAt: null },
    })
    // The pass of a gift was given out whole, so nothing is redeemed at its first use.
    expect(await books.passes.get('g')).toEqual({
      ...{ ...pass, hash: 'g', payment: 'grant:g', tokenId: 't', account: 'bob' },
      ...{ createdAt: 6, usedAt: 7 },
    })
    const row = { hash: 's', account: 'eve', amount: 9_000n, wallet: 'play', bolt11: 'lnbc…' }
    expect(await books.invoices.get('s')).toEqual({
      ...row,
      ...{ createdAt: 3, expiresAt: 4, settledAt: null, bonus: 0n },
    })
    expect(await books.invoices.get('a')).toMatchObject({ settledAt: 5 })
    expect(await books.invoices.get('g')).toBeNull()
    expect(await books.invoices.pending('play', 0, 9)).toMatchObject([row])
    expect(await books.statement.verify()).toMatchObject({ ok: true })
    await books.close()
  })

  it('a ledger of a later version is refused by name', async () => {
    await lived()
    tamper(`PRAGMA user_version = ${MIGRATIONS.length + 1}`)
    expect(() => open()).toThrow(LedgerTooNew)
  })
})
