import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/ledger/entry.ts'
import { msat } from '../../src/money/msat.ts'
import type { Quantities } from '../../src/money/quantities.ts'
import { runInvoicesContract } from './invoices.ts'
import { DEPOSITS, HOLDS, LIMITS, OWNERS, QUANTITIES } from './ledger-cases.ts'
import { POSTED, PRUNED, REOPENED, SETTLING } from './ledger-closing-cases.ts'
import { DOLLARS, DOLLARS_REOPENED } from './ledger-dollar-cases.ts'
import { type Open, type Opened, play, ScriptWorld } from './ledger-script.ts'
import { runPassesContract, runRevocationsContract } from './passes.ts'
import { LOST, RESTARTED, SOURCES, VESTING, WITHDRAWABLE, WITHDRAWING } from './withdrawals.ts'
export interface LedgerContract {
  readonly name: string
  readonly open: Open
  /** Tests that this adapter cannot pass, and why. */
  readonly skip: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

const CASES = {
  ...{ DEPOSITS, HOLDS, LIMITS, QUANTITIES, SETTLING, POSTED, PRUNED, REOPENED, OWNERS },
  ...{ DOLLARS, DOLLARS_REOPENED },
  ...{ WITHDRAWABLE, WITHDRAWING, VESTING, LOST, SOURCES, RESTARTED },
}

/** What every ledger must do, wherever it is stored. */
export function runLedgerContract({ name, open, skip }: LedgerContract): void {
  const reasons = new Map(skip.flatMap(({ reason, tests }) => tests.map((test) => [test, reason])))
  const test = (title: string, run: () => Promise<void>) => {
    const reason = reasons.get(title)
    if (reason === undefined) it(title, run)
    else it.skip(`${title} (${reason})`, run)
  }
  const withBooks = async (use: (opened: Opened, world: ScriptWorld) => Promise<void>) => {
    const world = new ScriptWorld()
    const opened = await open(world)
    try {
      await use(opened, world)
      expect(await opened.books.statement.verify()).toMatchObject({ ok: true })
    } finally {
      await opened.dispose()
    }
  }

  describe(`${name} ledger`, () => {
    for (const [about, cases] of Object.entries(CASES)) {
      describe(about.toLowerCase(), () => {
        for (const [title, script] of Object.entries(cases)) test(title, () => play(open, script))
      })
    }
    describe('many at once', () => many(test, withBooks))
    describe('what is read', () => reading(test, withBooks))
    describe('passes', () => runPassesContract(test, open))
    describe('revocations', () => runRevocationsContract(test, open))
    describe('other quantities', () => others(test, withBooks))
    describe('waiting', () => owners(test, withBooks))
    describe('invoices', () => runInvoicesContract(test, open))
  })
}

export type Test = (title: string, run: () => Promise<void>) => void
type WithBooks = (use: (opened: Opened, world: ScriptWorld) => Promise<void>) => Promise<void>

const deposit = (world: ScriptWorld, payment: string, account: string, amount: bigint) => ({
  payment,
  account,
  amount: msat(amount),
  credit: 'paid' as const,
  rail: 'l402',
  native: { amount: `${amount}`, unit: 'msat', rate: '1' },
  at: world.now(),
})

const request = (world: ScriptWorld, id: string, account: string, tokens: number) => ({
  id,
  account,
  price: { base: 0n, each: 1_000_000n },
  quantities: {},
  clamped: 'output' as const,
  least: tokens,
  most: tokens,
  limits: [],
  at: world.now(),
  deadline: world.now() + 60_000,
  what: { model: 'llama3', dialect: 'openai-chat', pass: null },
})

const charge = (world: ScriptWorld, amount: bigint) => ({
  amount: msat(amount),
  quantities: { input: 3, cached: 0, output: 4 },
  usage: 'reported' as const,
  end: 'complete',
  at: world.now(),
})

function others(test: Test, withBooks: WithBooks): void {
  const images = (world: ScriptWorld, id: string, model: string, image: number) => ({
    ...request(world, id, 'ann', image),
    price: { base: 2_000_000n, each: 20_000_000n },
    quantities: { input: 2 },
    clamped: 'image' as const,
    what: { model, dialect: 'images', pass: null },
  })
  const used = (world: ScriptWorld, quantities: Quantities) => ({
    ...charge(world, 50n),
    quantities,
  })

  test('what is no token is held, charged and shown by its own name, beside tokens', () =>
    withBooks(async ({ books: { ledger, statement } }, world) => {
      await ledger.deposit(deposit(world, 'p1', 'ann', 1_000n))
      const held = await ledger.hold(images(world, 'h1', 'flux', 3))
      expect(held).toMatchObject({ value: { granted: 3, amount: 62n } })
      expect(await statement.holds(9)).toMatchObject([{ granted: 3, clamped: 'image' }])
      await ledger.settle('h1', used(world, { input: 2, image: 2 }))
      await ledger.hold(images(world, 'h2', 'flux', 1))
      await ledger.settle('h2', used(world, { image: 1, second: 9 }))
      await ledger.hold(request(world, 'h3', 'ann', 7))
      await ledger.settle('h3', charge(world, 7n))
      await ledger.hold(request(world, 'h4', 'ann', 7))
      await ledger.release('h4', 'refused', world.now())
      const page = { limit: 9, before: null }
      expect((await ledger.usage('ann', null, page)).map(({ quantities }) => quantities)).toEqual([
        {},
        { input: 3, cached: 0, output: 4 },
        { image: 1, second: 9 },
        { input: 2, image: 2 },
      ])
      expect(await statement.earnings()).toMatchObject([
        { model: 'flux', requests: 2, quantities: { input: 2, image: 3, second: 9 } },
        { model: 'llama3', requests: 1, quantities: { input: 3, cached: 0, output: 4 } },
      ])
      for (const row of await statement.earnings()) {
        if (row.model === 'llama3') expect(Object.keys(row.quantities)).toHaveLength(3)
      }
    }))
}

export const WAITING =
  'a request that waits for money gets it when another gate closes what a lost one held'

/** The ledgers of several gates over one store. */
function owners(test: Test, withBooks: WithBooks): void {
  test(WAITING, () =>
    withBooks(async ({ beside, books: { ledger } }, world) => {
      const other = beside?.('b').ledger
      if (other === undefined) throw new Error('no second gate')
      await ledger.deposit(deposit(world, 'p1', 'ann', 100n))
      await ledger.hold(request(world, 'h1', 'ann', 100))
      const waiting = { ...request(world, 'h2', 'ann', 60), patient: true }
      expect(await other.hold(waiting)).toMatchObject({ error: { why: 'held' } })
      expect(await other.recover(world.now())).toEqual([])
      expect(await other.hold(waiting)).toMatchObject({ error: { why: 'held' } })
      world.time += 60_001
      expect(await other.expire(world.now())).toMatchObject([{ id: 'h1', charged: 0n }])
      expect(await other.hold(waiting)).toMatchObject({ ok: true })
      // The gate was only slow. Its hold was closed, and it still reports what was used.
      expect(await ledger.settle('h1', charge(world, 30n))).toMatchObject({ ok: true })
      expect(await ledger.balance('ann')).toMatchObject({ paid: 10n, held: 60n })
    }),
  )
}

function many(test: Test, withBooks: WithBooks): void {
  test('B1 of fifty requests on a balance for one, exactly one is admitted', () =>
    withBooks(async ({ books: { ledger } }, world) => {
      await ledger.deposit(deposit(world, 'p', 'ann', 100n))
      const holds = await Promise.all(
        Array.from({ length: 50 }, (_, i) => ledger.hold(request(world, `h${i}`, 'ann', 100))),
      )
      expect(holds.filter(({ ok }) => ok)).toHaveLength(1)
      expect(await ledger.balance('ann')).toMatchObject({ available: 0n, held: 100n })
    }))

  test('B7 a payment presented fifty times at once opens one account once', () =>
    withBooks(async ({ books: { ledger } }, world) => {
      const done = await Promise.all(
        Array.from({ length: 50 }, () => ledger.deposit(deposit(world, 'p', 'ann', 100n))),
      )
      expect(done.filter(({ ok }) => ok)).toHaveLength(1)
      const others = new Set(done.map((one) => (one.ok ? 'ok' : one.error)))
      expect(others).toEqual(new Set(['ok', 'already_deposited']))
      expect(await ledger.balance('ann')).toMatchObject({ paid: 100n, available: 100n })
    }))

  test('B9 top-ups, spending and giving back at once lose and make nothing', () =>
    withBooks(async ({ books: { ledger } }, world) => {
      await ledger.deposit(deposit(world, 'p', 'ann', 1_000n))
      await Promise.all(
        Array.from({ length: 60 }, async (_, i) => {
          if (i % 3 === 0) await ledger.deposit(deposit(world, `p${i}`, 'ann', 10n))
          const hold = await ledger.hold(request(world, `h${i}`, 'ann', 10))
          if (!hold.ok) return
          if (i % 2 === 0) await ledger.settle(`h${i}`, charge(world, 7n))
          else await ledger.release(`h${i}`, 'refused', world.now())
        }),
      )
      const paid = 1_000n + 20n * 10n - 30n * 7n
      expect(await ledger.balance('ann')).toMatchObject({ paid, bonus: 0n, held: 0n })
    }))

  test('H1 names that are SQL are names', () =>
    withBooks(async ({ books }, world) => {
      const { invoices, ledger, statement } = books
      const evil = ["'", '"', "';DROP/**/TABLE/**/postings;--", "'OR'1'='1", '%', '*', '\\', '$x']
      for (const name of evil) {
        await ledger.deposit(deposit(world, name, name, 100n))
        const what = { model: name, dialect: name, pass: name }
        const limits = [{ meter: name, unit: 'spend', window: 'total', max: 50n }] as const
        const hold = await ledger.hold({ ...request(world, name, name, 9), what, limits })
        expect(hold.ok).toBe(true)
        await ledger.settle(name, { ...charge(world, 9n), end: name })
        expect(await ledger.balance(name)).toMatchObject({ available: 91n })
        expect(await ledger.left(limits[0], world.now())).toBe(41n)
        const page = { limit: 10, before: null }
        expect((await ledger.usage(name, name, page)).map(({ id }) => id)).toEqual([name])
        expect(await invoices.get(name)).toBeNull()
        expect(await ledger.settle(`${name}x`, charge(world, 1n))).toMatchObject({ ok: false })
        await invoices.remember(name, name)
        expect(await invoices.recall(name)).toBe(name)
      }
      expect(await statement.accounts(100)).toHaveLength(evil.length)
    }))
}

function reading(test: Test, withBooks: WithBooks): void {
  test('accounts, open holds, entries, earnings and income show what happened', () =>
    withBooks(async ({ books: { ledger, statement } }, world) => {
      const at = world.now()
      await ledger.deposit(deposit(world, 'p1', 'ann', 1_000n))
      await ledger.deposit({ ...deposit(world, 'g1', 'ann', 50n), credit: 'bonus', rail: 'tier' })
      await ledger.hold(request(world, 'h1', 'ann', 100))
      await ledger.settle('h1', charge(world, 130n))
      await ledger.hold(request(world, 'h2', 'ann', 900))
      const ann = {
        account: 'ann',
        paid: 0n,
        bonus: 20n,
        held: 900n,
        leaving: 0n,
        owed: 0n,
        available: 20n,
        usd: 0n,
      }
      expect(await statement.accounts(9)).toEqual([{ ...ann, createdAt: at }])
      expect(await statement.holds(9)).toEqual([
        {
          ...{
            id: 'h2',
            account: 'ann',
            granted: 900,
            clamped: 'output',
            amount: 900n,
            before: 920n,
          },
          ...{ paid: 870n, bonus: 30n, dollars: null, openedAt: at, deadline: at + 60_000 },
          ...{ sofar: 0n, model: 'llama3' },
        },
      ])
      expect((await statement.entries(9)).map(line)).toEqual([
        'hold h2: paid:ann → held:ann 870, bonus:ann → held:ann 30',
        'settle h1: paid:ann → revenue:llama3 130',
        'deposit g1: grant:tier → bonus:ann 50',
        'deposit p1: rail:l402 → paid:ann 1000',
      ])
      expect((await statement.entries(2)).map(({ ref }) => ref)).toEqual(['h2', 'h1'])
      await ledger.deposit(deposit(world, 'p2', 'bob', 7n))
      await ledger.hold(request(world, 'h3', 'bob', 2))
      const bob = {
        account: 'bob',
        paid: 5n,
        bonus: 0n,
        held: 2n,
        leaving: 0n,
        owed: 0n,
        available: 5n,
        usd: 0n,
      }
      expect(await statement.accounts(1, 'bob')).toEqual([{ ...bob, createdAt: at }])
      expect(await statement.accounts(1, 'ann')).toEqual([{ ...ann, createdAt: at }])
      expect((await statement.holds(1, 'ann')).map(({ id }) => id)).toEqual(['h2'])
      // The newest entries of this account, although others have many newer ones.
      expect((await statement.entries(2, 'ann')).map(line)).toEqual([
        'hold h2: paid:ann → held:ann 870, bonus:ann → held:ann 30',
        'settle h1: paid:ann → revenue:llama3 130',
      ])
      expect(await statement.entries(9, 'bob')).toHaveLength(2)
      expect(await statement.entries(9, 'bo')).toEqual([])
      expect(await statement.find((account) => account !== 'ann')).toEqual(['bob'])
      const day = '2026-11-21'
      expect(await statement.earnings()).toEqual([
        {
          ...{ day, model: 'llama3', requests: 1, earned: 130n, overrun: 0n },
          quantities: { input: 3, cached: 0, output: 4 },
        },
      ])
      expect(await statement.income()).toEqual([
        { day, rail: 'l402', credit: 'paid', payments: 2, amount: 1_007n },
        { day, rail: 'tier', credit: 'bonus', payments: 1, amount: 50n },
      ])
      expect(await ledger.usage('ann', null, { limit: 9, before: null })).toEqual([
        {
          ...{ id: 'h1', at, model: 'llama3', dialect: 'openai-chat', end: 'complete' },
          ...{
            usage: 'reported',
            quantities: { input: 3, cached: 0, output: 4 },
            held: 100n,
            charged: 130n,
            owed: 0n,
          },
        },
      ])
    }))

  test('what models earned has a bounded number of rows, however many names buyers invent', () =>
    withBooks(async ({ books: { ledger, statement } }, world) => {
      expect(await statement.earnedBy(2)).toEqual([])
      await ledger.deposit(deposit(world, 'p1', 'ann', 1_000n))
      for (const [i, model] of ['a', 'b', 'c', 'd', 'a'].entries()) {
        const what = { model, dialect: 'openai-chat', pass: null }
        await ledger.hold({ ...request(world, `h${i}`, 'ann', 100), what })
        await ledger.settle(`h${i}`, charge(world, BigInt(10 + i)))
        world.time += 86_400_000
      }
      expect(await statement.earnedBy(4)).toEqual([
        { model: 'a', earned: 24n },
        { model: 'd', earned: 13n },
        { model: 'c', earned: 12n },
        { model: 'b', earned: 11n },
      ])
      const bounded = await statement.earnedBy(2)
      expect(bounded).toHaveLength(3)
      expect(bounded).toEqual(
        expect.arrayContaining([
          { model: 'a', earned: 24n },
          { model: 'd', earned: 13n },
          { model: '', earned: 23n },
        ]),
      )
    }))

  test('rows come in pages, each older than the row that it is asked after', () =>
    withBooks(async ({ books: { ledger, statement } }, world) => {
      const names = ['ann', 'bob', 'cyd', 'dan']
      for (const name of names) {
        await ledger.deposit(deposit(world, name, name, 100n))
        await ledger.hold(request(world, `h-${name}`, name, 10))
        await ledger.extend(`h-${name}`, world.now() + 60_000, msat(1n))
      }
      const accounts = await statement.accounts(2)
      expect(accounts.map(({ account }) => account)).toEqual(['dan', 'cyd'])
      const others = await statement.accounts(9, null, 'cyd')
      expect(others.map(({ account }) => account)).toEqual(['bob', 'ann'])
      expect((await statement.holds(9, null, 'h-bob')).map(({ id }) => id)).toEqual(['h-ann'])
      const entries = await statement.entries(3)
      expect(entries.map(({ ref }) => ref)).toEqual(['h-dan', 'dan', 'h-cyd'])
      const older = await statement.entries(9, null, entries.at(-1)?.n)
      expect(older.map(({ ref }) => ref)).toEqual(['cyd', 'h-bob', 'bob', 'h-ann', 'ann'])
    }))

  test('I1 what is owed is what was paid in and not spent, held or not; no bonus', () =>
    withBooks(async ({ books: { ledger, statement } }, world) => {
      expect(await statement.owed()).toBe(0n)
      await ledger.deposit(deposit(world, 'p1', 'ann', 1_000n))
      await ledger.deposit({ ...deposit(world, 'g1', 'ann', 50n), credit: 'bonus', rail: 'tier' })
      await ledger.deposit(deposit(world, 'p2', 'bob', 7n))
      expect(await statement.owed()).toBe(1_007n)
      await ledger.hold(request(world, 'h1', 'ann', 1_030))
      await ledger.hold(request(world, 'h2', 'bob', 5))
      expect(await statement.owed()).toBe(1_007n)
      await ledger.settle('h1', charge(world, 400n))
      await ledger.release('h2', 'refused', world.now())
      expect(await statement.owed()).toBe(607n)
      await ledger.hold(request(world, 'h3', 'ann', 650))
      await ledger.settle('h3', charge(world, 650n))
      expect(await ledger.balance('ann')).toMatchObject({ paid: 0n, bonus: 0n })
      expect(await statement.owed()).toBe(7n)
    }))

  test('J4 the proof states what is owed, and accounts and drawers agree about it', () =>
    withBooks(async ({ books: { ledger, statement } }, world) => {
      await ledger.deposit(deposit(world, 'p1', 'ann', 100n))
      await ledger.hold(request(world, 'h1', 'ann', 60))
      await ledger.hold(request(world, 'h2', 'ann', 40))
      await ledger.settle('h1', charge(world, 75n))
      expect(await statement.accounts(9)).toMatchObject([{ paid: 0n, held: 40n, owed: 15n }])
      const proof = await statement.verify()
      expect(proof).toMatchObject({
        value: {
          drawers: expect.arrayContaining([{ drawer: 'revenue:llama3', balance: 75n }]),
          buyers: { owed: -15n, held: 40n },
        },
      })
      await ledger.settle('h2', charge(world, 30n))
      expect((await statement.entries(2)).map(line)).toEqual([
        'collect h1: paid:ann → owed:ann 10, loss:overrun → owed:ann 5',
        'settle h2: held:ann → revenue:llama3 30, held:ann → paid:ann 10',
      ])
      const [earned] = await statement.earnings()
      expect(earned).toMatchObject({ earned: 100n, overrun: 5n })
    }))

  test('the proof states our own drawers, and the sums of those of all buyers', () =>
    withBooks(async ({ books: { ledger, statement } }, world) => {
      await ledger.deposit(deposit(world, 'p1', 'ann', 100n))
      await ledger.hold(request(world, 'h1', 'ann', 60))
      await ledger.settle('h1', charge(world, 130n))
      const proof = await statement.verify()
      expect(proof.ok && proof.value).toMatchObject({ accounts: 1, openHolds: 0, postings: 3 })
      expect(proof).toMatchObject({
        value: { buyers: { paid: 0n, bonus: 0n, held: 0n, owed: 0n } },
      })
      const drawers = proof.ok ? proof.value.drawers : []
      expect(Object.fromEntries(drawers.map((one) => [one.drawer, one.balance]))).toEqual({
        'rail:l402': -100n,
        'revenue:llama3': 130n,
        'loss:overrun': -30n,
      })
    }))
}

const line = ({ postings, ref, why }: Entry): string =>
  `${why} ${ref}: ${postings.map((p) => `${p.debit} → ${p.credit} ${p.amount}`).join(', ')}`
