import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { msat } from '../../../src/money/msat.ts'
import { ScriptWorld } from '../../contract/ledger-script.ts'
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
    await books.invoices.put({ ...invoice, createdAt: 1, expiresAt: 2, settledAt: null })
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
