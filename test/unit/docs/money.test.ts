import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Awaitable } from '../../../src/floor/awaitable.ts'
import type { Deposit, SatDeposit } from '../../../src/ledger/deposit.ts'
import type { Charge, HoldRequest, UsdTerms } from '../../../src/ledger/ledger.ts'
import type { Books } from '../../../src/ledger/open-ledger.ts'
import { formatSat, fromSat, type Msat, msat } from '../../../src/money/msat.ts'
import { ceilingPrice, charge, type Rate } from '../../../src/money/price.ts'
import { microUsd } from '../../../src/money/usd.ts'
import { drawersOf } from '../../support/drawers.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'

/** The tables of `docs/money.md` show what the ledger does. Each event is replayed here. */

const MONEY = readFileSync(join(import.meta.dirname, '../../../docs/money.md'), 'utf8')

/** 1 sat per 1,000 tokens. */
const RATE: Rate = {
  input: 1_000_000n,
  cached: 1_000_000n,
  output: 1_000_000n,
}

const deposit = (payment: string, amount: Msat, credit: 'paid' | 'bonus'): Deposit => ({
  payment,
  account: 'a91f',
  amount,
  credit,
  rail: credit === 'paid' ? 'l402' : 'gift',
  native: { amount: `${amount}`, unit: 'msat', rate: '1' },
  at: 0,
})

const request = (id: string, input: number, most: number): HoldRequest => ({
  id,
  account: 'a91f',
  price: ceilingPrice(RATE, { input }, 'output'),
  quantities: { input },
  clamped: 'output',
  least: 1,
  most,
  limits: [],
  at: 0,
  deadline: 1,
  what: { model: 'llama3', dialect: 'openai-chat', pass: null },
})

const used = (input: number, output: number): Charge => ({
  amount: charge(RATE, { input, cached: 0, output }),
  quantities: { input, output },
  usage: 'reported',
  end: 'complete',
  at: 0,
})

const cell = (amount: bigint): string => `${amount}`.replace(/\B(?=(\d{3})+$)/g, ',')

/** The drawers before and after an event, in the form of the document. */
async function table(books: Books, event: () => Awaitable<unknown>): Promise<string> {
  const before = await drawersOf(books.statement)
  await event()
  const after = await drawersOf(books.statement)
  const names = new Set([...before.keys(), ...after.keys()])
  const rows = [...names].sort().map((drawer) => {
    const [was, is] = [before.get(drawer) ?? 0n, after.get(drawer) ?? 0n]
    return `| \`${drawer}\` | ${cell(was)} | ${cell(is)} |\n`
  })
  return `| drawer | before | after |\n|---|--:|--:|\n${rows.join('')}`
}

/** A ledger into which 10 sat were paid, after the events `done`. */
async function paid(...done: readonly ((books: Books) => Awaitable<unknown>)[]): Promise<Books> {
  const books = openMemoryBooks('test')
  await books.ledger.deposit(deposit('ln:5c', fromSat(10), 'paid'))
  for (const step of done) await step(books)
  return books
}

/** The same with a bonus of 1 sat, out of a wallet that can pay it back. */
const withBonus = (): Deposit => ({
  ...(deposit('ln:5c', fromSat(10), 'paid') as SatDeposit),
  source: 'lnd',
  bonus: fromSat(1),
})

/** A ledger with that payment, after the events `done`. */
async function paidWithBonus(
  ...done: readonly ((books: Books) => Awaitable<unknown>)[]
): Promise<Books> {
  const books = openMemoryBooks('test')
  await books.ledger.deposit(withBonus())
  for (const step of done) await step(books)
  return books
}

const leave = ({ withdrawals }: Books) =>
  withdrawals.withdraw({
    ...{ id: 'ln:7e', account: 'a91f', source: 'lnd', amount: fromSat(5), fee: fromSat(1) },
    ...{ kind: 'lightning', at: 0 },
  })

const hold =
  (id: string, input: number, most: number) =>
  ({ ledger }: Books) =>
    ledger.hold(request(id, input, most))

const EVENTS: readonly (readonly [string, () => Promise<string>])[] = [
  [
    'Paying 10 sat',
    async () => {
      const books = openMemoryBooks('test')
      return table(books, () => books.ledger.deposit(deposit('ln:5c', fromSat(10), 'paid')))
    },
  ],
  [
    'Setting aside',
    async () => {
      const books = await paid()
      return table(books, () => hold('r1', 312, 2048)(books))
    },
  ],
  [
    'Settling',
    async () => {
      const books = await paid(hold('r1', 312, 2048))
      return table(books, () => books.ledger.settle('r1', used(12, 40)))
    },
  ],
  [
    'Giving back',
    async () => {
      const books = await paid(hold('r1', 312, 2048))
      return table(books, () => books.ledger.release('r1', 'upstream_failed', 0))
    },
  ],
  [
    'Found after a crash',
    async () => {
      const journal = ({ ledger }: Books) => ledger.extend('r1', 1, msat(27n))
      const books = await paid(hold('r1', 312, 2048), journal)
      return table(books, () => books.ledger.recover(0))
    },
  ],
  [
    'What is written of a request',
    async () => {
      const books = await paid()
      return table(books, async () => {
        await hold('r1', 312, 2048)(books)
        await books.ledger.settle('r1', used(12, 40))
      })
    },
  ],
  [
    'More than was held',
    async () => {
      const books = await paid(hold('r1', 312, 2048), hold('r2', 300, 7000))
      return table(books, () => books.ledger.settle('r1', used(312, 2548)))
    },
  ],
  [
    'What is owed is taken',
    async () => {
      const over = ({ ledger }: Books) => ledger.settle('r1', used(312, 2548))
      const books = await paid(hold('r1', 312, 2048), hold('r2', 300, 7000), over)
      return table(books, () => books.ledger.settle('r2', used(300, 6900)))
    },
  ],
  [
    'A gift beside it',
    async () => {
      const gift = ({ ledger }: Books) => ledger.deposit(deposit('grant:9e', fromSat(5), 'bonus'))
      const books = await paid(gift, hold('r1', 300, 12_000))
      return table(books, () => books.ledger.settle('r1', used(300, 10_700)))
    },
  ],
  [
    'Dollars pay',
    async () => {
      const books = openMemoryBooks('test')
      await dollars(books)
      await books.ledger.hold({ ...request('r1', 312, 2048), usd: inDollars })
      return table(books, () => books.ledger.settle('r1', used(12, 40)))
    },
  ],
  [
    'A payment with a bonus',
    async () => {
      const books = openMemoryBooks('test')
      return table(books, () => books.ledger.deposit(withBonus()))
    },
  ],
  [
    'A withdrawal begins',
    async () => {
      const books = await paidWithBonus()
      return table(books, () => leave(books))
    },
  ],
  [
    'It was sent',
    async () => {
      const books = await paidWithBonus(leave)
      return table(books, () =>
        books.withdrawals.closeWithdrawal('ln:7e', { is: 'sent', fee: msat(200n), at: 0 }),
      )
    },
  ],
  [
    'It was not sent',
    async () => {
      const books = await paidWithBonus(leave)
      return table(books, () =>
        books.withdrawals.closeWithdrawal('ln:7e', { is: 'failed', reason: 'no route', at: 0 }),
      )
    },
  ],
]

/** At a rate of 60,000 dollars for a bitcoin. */
const inDollars: UsdTerms = { rate: 6_000_000_000_000n, price: null }

const dollars = ({ ledger }: Books) =>
  ledger.deposit({
    ...{ payment: 'x402:7e', account: 'a91f', rail: 'x402', at: 0 },
    ...{ credit: 'usd', amount: microUsd(2_000n) },
    native: { amount: '2000', unit: 'USDC', rate: '60000' },
  })

describe('docs/money.md', () => {
  it.each(EVENTS)('shows what happens to the drawers: %s', async (heading, play) => {
    const section = MONEY.split(`### ${heading}`)[1]?.split('\n#')[0] ?? ''
    expect(section).toContain(await play())
  })

  it('says what a small answer costs', () => {
    expect(formatSat(used(12, 40).amount)).toBe('0.052')
    expect(MONEY).toContain('0.052 sat')
  })
})
