import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nameMints } from '../../../src/daemon/name-mints.ts'
import { owedToBuyers } from '../../../src/daemon/owed-to-buyers.ts'
import type { InvoiceRow } from '../../../src/ledger/invoices.ts'
import type { Books } from '../../../src/ledger/open-ledger.ts'
import { fromSat, msat, ZERO } from '../../../src/money/msat.ts'
import { openEcashFile } from '../../../src/wallets/ecash/store/database.ts'
import { EcashStore } from '../../../src/wallets/ecash/store/store.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'

let store: EcashStore
let books: Books
let n = 0

beforeEach(() => {
  store = new EcashStore(openEcashFile({ path: ':memory:', seedMark: 's', now: 1 }))
  books = openMemoryBooks('test')
})
afterEach(() => store.close())

const row = (hash: string, sat: number): InvoiceRow => ({
  ...{ hash, account: 'ann', amount: fromSat(sat), wallet: 'ecash', bolt11: 'lnbc…' },
  ...{ createdAt: 1, expiresAt: 2, settledAt: null, bonus: ZERO },
})

const MINT = 'https://m.example'

interface Paid {
  readonly sold: boolean
  readonly mint: string
  readonly source: string
}

/** A buyer has paid, and the coins are here. */
async function paid(
  sat: number,
  credited: boolean,
  { sold = true, mint = MINT, source = `ecash ${mint}` }: Partial<Paid> = {},
): Promise<void> {
  n += 1
  const hash = `h${n}`
  const rest = { privateKey: null, bolt11: '', createdAt: 1, expiresAt: 2 }
  store.addQuote({ hash, mint, quote: hash, sat, ...rest })
  const batch = store.beginBatch({
    ...{ kind: 'mint', mint, keyset: '00', amounts: [1], quote: hash },
    ...{ inputs: [], at: 1 },
  })
  store.finishBatch(batch, [])
  if (sold) await books.invoices.put(row(hash, sat))
  if (!credited) return
  await books.invoices.markSettled(hash, 1)
  await books.ledger.deposit({
    ...{ payment: `ln:${hash}`, account: 'ann', amount: fromSat(sat), credit: 'paid' },
    ...{ rail: 'l402', source, native: { amount: `${sat}`, unit: 'sat', rate: '1' }, at: 1 },
  })
}

describe('what is owed to buyers', () => {
  it('is nothing in the beginning', async () => {
    expect((await owedToBuyers(books, store)).total).toBe(0)
  })

  it('I1 is their unspent paid-in credit, rounded up; a gift is not in it', async () => {
    await paid(100, true)
    const gift = { payment: 'g', account: 'bob', amount: msat(5_000n), credit: 'bonus' } as const
    const native = { amount: '5000', unit: 'msat', rate: '1' }
    await books.ledger.deposit({ ...gift, rail: 'gift', native, at: 1 })
    expect((await owedToBuyers(books, store)).total).toBe(100)
    await books.ledger.hold({
      ...{ id: 'a', account: 'ann', price: { base: 1_500_000_000n, each: 0n } },
      ...{ quantities: {}, clamped: 'output' },
      ...{ least: 0, most: 0, limits: [], at: 1, deadline: 9 },
      what: { model: 'm', dialect: 'd', pass: null },
    })
    const charge = { amount: msat(1_500n), quantities: { input: 1, output: 1 } }
    await books.ledger.settle('a', { ...charge, usage: 'reported', end: 'complete', at: 1 })
    expect((await owedToBuyers(books, store)).total).toBe(99)
  })

  it('E7 includes payments whose coins are here before the ledger knows of them', async () => {
    for (let count = 0; count < 120; count += 1) await paid(1, true)
    await paid(40, false)
    for (let count = 0; count < 30; count += 1) await paid(1, true)
    await paid(2, false)
    expect((await owedToBuyers(books, store)).total).toBe(150 + 42)
  })

  it('says of these which mint they are at', async () => {
    await paid(40, false)
    const owed = await owedToBuyers(books, store)
    expect([owed.at('https://m.example'), owed.at('https://other.example')]).toEqual([40, 0])
  })

  it('L9 is owed by the mint that it came in by; what came in by another wallet is not owed here', async () => {
    await paid(100, true)
    await paid(40, true, { mint: 'https://b.example' })
    await paid(7, true, { source: 'lnd' })
    await paid(3, true, { source: 'ecash' })
    const owed = await owedToBuyers(books, store)
    expect([owed.total, owed.at(MINT), owed.at('https://b.example')]).toEqual([143, 100, 40])
  })

  it('of a deposit from before deposits had a source is owed by the mint of its invoice', async () => {
    for (let count = 0; count < 3; count += 1) await paid(10, true, { source: 'ecash' })
    await paid(5, true, { source: 'lnd' })
    expect((await owedToBuyers(books, store)).at(MINT)).toBe(0)
    await nameMints(books, store)
    const owed = await owedToBuyers(books, store)
    expect([owed.total, owed.at(MINT)]).toEqual([30, 30])
    expect(await books.statement.paymentsOf('ecash', 10)).toEqual([])
  })

  it('does not include payments of an invoice that was never sold', async () => {
    await paid(40, false, { sold: false })
    expect((await owedToBuyers(books, store)).total).toBe(0)
  })
})
