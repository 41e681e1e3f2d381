import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Limit, Settled } from '../../src/ledger/ledger.ts'
import type { Books } from '../../src/ledger/open-ledger.ts'
import { openSqliteBooks } from '../../src/ledger/sqlite.ts'
import { msat } from '../../src/money/msat.ts'
import { microUsd } from '../../src/money/usd.ts'
import { limitOf, ScriptWorld } from '../contract/ledger-script.ts'
import { openMemoryBooks } from '../support/memory-books.ts'
import { scratch } from '../unit/ledger/scratch.ts'
import type { Terms } from './dollar-model.ts'
import { Model } from './ledger-model.ts'

/**
 * Random histories against a model that adds everything up from the beginning. After each command
 * the answer, the balances, the room at every limit and the proof of the books must agree. A
 * failure prints the seed and the shortest history that shows it.
 */

const ACCOUNTS = ['ann', 'bob', 'cyd'] as const
const IDS = Array.from({ length: 14 }, (_, i) => `h${i}`)

/**
 * Limits are not shared between accounts, because a meter belongs to a pass, and a pass to one
 * account.
 */
const LIMITS: Readonly<Record<string, readonly Limit[]>> = Object.fromEntries(
  ACCOUNTS.map((account) => [
    account,
    [
      `${account}1:spend<=90/min`,
      `${account}2:spend<=150/day`,
      `${account}3:tokens<=120/hour`,
      `${account}4:calls<=4/month`,
      `${account}5:spend<=60/req`,
      `${account}6:tokens<=70/req`,
      `${account}7:spend<=400/total`,
    ].map(limitOf),
  ]),
)

const small = fc.integer({ min: 0, max: 60 })
const account = fc.constantFrom(...ACCOUNTS)
const id = fc.constantFrom(...IDS)
const withdrawal = fc.constantFrom('w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'w7')
const paidFrom = fc.constantFrom('lnd', 'mint')
const source = fc.constantFrom('lnd', 'mint', 'lnd', '')

/** Dollars for one bitcoin: a msat is 0.09 to 10 µ$. Null: no terms for dollars. */
const rate = fc.constantFrom(null, 60_000, 9_000, 100_000, 123_457, 200_001, 1_000_000)
/** How a price in dollars was made of the price in msat. Null: the price is in sats. */
const par = fc.constantFrom(null, null, 'exact' as const, 'odd' as const)
/** The µ$ of a charge for each msat of it. Null: nobody says. */
const inUsd = fc.constantFrom(null, 0.09, 0.6, 1, 2.00001, 7)

const command = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('deposit' as const),
      payment: fc.constantFrom('p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8', 'x1', 'x2'),
      account,
      amount: fc.integer({ min: 0, max: 250 }),
      credit: fc.constantFrom('paid' as const, 'paid' as const, 'bonus' as const, 'usd' as const),
      source,
      tier: fc.constantFrom(0, 0, 1, 30, 99),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: fc.constant('withdraw' as const), id: withdrawal, account, source: paidFrom },
      ...{ amount: fc.integer({ min: 1, max: 150 }), fee: fc.constantFrom(0, 0, 5, 20) },
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: fc.constant('left' as const), id: withdrawal },
      fee: fc.constantFrom(null, 0, 3, 20, 60),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ do: fc.constant('lost' as const), id: withdrawal, account, source: paidFrom },
      ...{ amount: fc.integer({ min: 1, max: 150 }), fee: fc.constantFrom(0, 5) },
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      id,
      account,
      fixed: fc.constantFrom(0, 1, 3_000_000, 10_500_000),
      each: fc.constantFrom(0, 250_000, 1_000_000, 2_000_001),
      input: fc.integer({ min: 0, max: 20 }),
      least: fc.integer({ min: 0, max: 40 }),
      more: small,
      limits: fc.subarray([0, 1, 2, 3, 4, 5, 6]),
      patient: fc.boolean(),
      worse: fc.constantFrom(0, 0, 1, 15),
      lives: fc.constantFrom(1_000, 100_000, 100_000_000),
      rate,
      par,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      id,
      amount: fc.integer({ min: 0, max: 250 }),
      tokens: fc.integer({ min: 0, max: 100 }),
      inUsd,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), id }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('extend' as const), id, sofar: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), all: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('clock' as const),
      by: fc.constantFrom(1, 30_000, 3_000_000, 50_000_000, 2_000_000_000, -40_000_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('prune' as const), ago: fc.constantFrom(0, 40_000) }),
  },
)

/** The clock above is set back by half a day at a time, and a window that has ended may leave. */
const ARCHIVED_AFTER = 300_000_000

/** Only files are archived. */
const archived = fc.oneof(
  { weight: 12, arbitrary: command },
  { weight: 2, arbitrary: fc.constant({ do: 'archive' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'clock' as const, by: 2_000_000_000 }) },
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ do: fc.constant('settle' as const), id: fc.constant('h0'), inUsd },
      ...{ amount: fc.constant(9), tokens: fc.constant(8) },
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ do: fc.constant('hold' as const), id: fc.constant('h0'), account: fc.constant('ann') },
      ...{ fixed: fc.constant(0), each: fc.constant(1_000_000), input: fc.constant(0) },
      ...{ least: fc.constant(1), more: fc.constant(9), patient: fc.constant(false) },
      ...{ limits: fc.constant([0, 1, 2, 3, 6]), worse: fc.constant(0), lives: fc.constant(9_000) },
      ...{ rate, par },
    }),
  },
)
const PAID = { payment: 'p1', account: 'ann', amount: 250, credit: 'paid' } as const
const BEGUN = { do: 'deposit', ...PAID, source: 'lnd', tier: 30 } as const

type Command = typeof archived extends fc.Arbitrary<infer T> ? T : never

interface Play {
  books: Books
  readonly model: Model
  readonly world: ScriptWorld
  readonly reopen: () => Promise<Books>
}

describe('any history', () => {
  it('L5 I1 in memory is the model’s, with dollars beside sats', () =>
    fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 60, size: 'max' }), async (commands) => {
        const world = new ScriptWorld()
        const books = openMemoryBooks('play')
        await playAll({ books, world, model: new Model(), reopen: async () => books }, commands)
      }),
      { numRuns: 150 },
    ))

  it('L5 I1 in SQLite is the model’s, with dollars beside sats, through restarts', () =>
    fc.assert(
      fc.asyncProperty(fc.array(archived, { maxLength: 40, size: 'max' }), async (commands) => {
        const folder = scratch()
        const world = new ScriptWorld()
        const open = () => openSqliteBooks({ path: folder.path('ledger.db'), kind: 'play', world })
        const played: Play = {
          books: open(),
          world,
          model: new Model(),
          reopen: async () => {
            await played.books.close()
            return open()
          },
        }
        try {
          await playAll(played, [BEGUN, ...commands])
        } finally {
          await played.books.close()
          folder.remove()
        }
      }),
      { numRuns: 25 },
    ))
})

async function playAll(played: Play, commands: readonly Command[]): Promise<void> {
  for (const [i, command] of commands.entries()) {
    const [said, wanted] = await perform(played, command)
    expect(said, `command ${i}`).toBe(wanted)
    await compare(played)
  }
}

async function compare({ books, model, world }: Play): Promise<void> {
  expect(await books.statement.verify()).toMatchObject({ ok: true })
  const [owed, sources] = [await books.statement.owed(), await books.statement.owedBySource()]
  expect(sources.reduce((sum, { amount }) => sum + amount, 0n)).toBe(owed)
  expect(await books.ledger.outstandingUsd()).toBe(BigInt(model.outstanding()))
  for (const account of ACCOUNTS) {
    const balance = await books.ledger.balance(account)
    if (balance !== null) {
      expect(balance).toMatchObject({
        paid: BigInt(model.credit(account, 'paid')),
        bonus: BigInt(model.credit(account, 'bonus')),
        held: BigInt(model.held(account)),
        owed: BigInt(model.owed(account)),
        leaving: BigInt(model.leaving(account)),
        usd: BigInt(model.credit(account, 'usd')),
      })
      const may = (await books.withdrawals.withdrawable(account)) ?? []
      const shown = may.map(({ amount, source }) => `${source} ${amount}`).join(', ')
      expect(shown, account).toBe(model.withdrawable(account))
    }
    for (const limit of LIMITS[account] ?? []) {
      const left = await books.ledger.left(limit, world.time)
      expect(left, limit.meter).toBe(BigInt(model.room(limit, world.time)))
      expect(left >= 0n).toBe(true)
    }
  }
}

async function perform(played: Play, command: Command): Promise<readonly [string, string]> {
  const { model, world } = played
  const { ledger } = played.books
  const at = world.time
  model.now = at
  switch (command.do) {
    case 'clock':
      world.time += command.by
      return ['', '']
    case 'reopen':
      played.books = await played.reopen()
      return ['', '']
    case 'prune':
      return [`${await played.books.prune(at - command.ago)}`, model.prune(at - command.ago)]
    case 'archive': {
      const before = await shownBy(played.books)
      const done = await played.books.archive(at - ARCHIVED_AFTER)
      expect(await shownBy(played.books)).toEqual(before)
      return [`${done}`, model.archive(at - ARCHIVED_AFTER)]
    }
    case 'deposit': {
      const native = { amount: `${command.amount}`, unit: 'msat', rate: '1' }
      const { account, credit, payment } = command
      const head = { payment, account, rail: 'l402', native, at }
      const tier = credit !== 'paid' || command.amount === 0 ? 0 : command.tier
      const more = { source: command.source || undefined, bonus: msat(BigInt(tier)) }
      const done = await ledger.deposit(
        credit === 'usd'
          ? { ...head, credit, amount: microUsd(BigInt(command.amount)) }
          : { ...head, ...more, credit, amount: msat(BigInt(command.amount)) },
      )
      return [done.ok ? 'ok' : done.error, model.deposit({ ...command, tier })]
    }
    case 'withdraw':
    case 'left':
    case 'lost':
      return leave(played, command)
    case 'hold':
      return hold(played, command)
    case 'extend': {
      const done = await ledger.extend(command.id, at + 5_000, msat(BigInt(command.sofar)))
      return [done.ok ? 'ok' : done.error, model.extend(command.id, at + 5_000, command.sofar)]
    }
    case 'settle': {
      const output = Math.floor(command.tokens / 2)
      const tokens = { input: command.tokens - output, cached: 0, output }
      const amount = msat(BigInt(command.amount))
      const charge = { quantities: tokens, amount, usage: 'reported' as const, end: 'complete', at }
      const usd = command.inUsd === null ? null : Math.ceil(command.amount * command.inUsd)
      const done = await ledger.settle(command.id, {
        ...charge,
        usd: usd === null ? undefined : microUsd(BigInt(usd)),
      })
      const wanted = model.settle(command.id, command.amount, command.tokens, usd)
      return [done.ok ? settled(done.value) : done.error, wanted]
    }
    case 'release': {
      const done = await ledger.release(command.id, 'refused', at)
      return [done.ok ? settled(done.value) : done.error, model.release(command.id)]
    }
    case 'expire': {
      const before = command.all ? Number.POSITIVE_INFINITY : at
      const done = await (command.all ? ledger.recover(at) : ledger.expire(at))
      return [done.map((one) => `${one.id} ${settled(one)}`).join(), model.expire(before)]
    }
  }
}

async function leave(
  { books: { withdrawals }, model, world }: Play,
  command: Extract<Command, { do: 'withdraw' | 'left' | 'lost' }>,
): Promise<readonly [string, string]> {
  const at = world.time
  if (command.do === 'left') {
    const { fee, id } = command
    const close =
      fee === null
        ? ({ is: 'failed', reason: 'no route', at } as const)
        : ({ is: 'sent', fee: msat(BigInt(fee)), at } as const)
    const done = await withdrawals.closeWithdrawal(id, close)
    return [done.ok ? done.value.state : done.error, model.closeWithdrawal(id, fee)]
  }
  const money = { amount: msat(BigInt(command.amount)), fee: msat(BigInt(command.fee)) }
  const request = { ...command, ...money, at }
  if (command.do === 'lost') {
    const known = await withdrawals.withdrawal(command.id)
    const { state } = await withdrawals.recordLost(request)
    return [known === null ? state : 'known', model.lost(command)]
  }
  const done = await withdrawals.withdraw({ ...request, kind: 'lightning' })
  const wanted = model.withdraw(command)
  if (done.ok) return ['ok', wanted]
  const { error } = done
  return ['withdrawable' in error ? `${error.why} ${error.withdrawable}` : error.why, wanted]
}

/** What the archive must not change. */
async function shownBy({ statement }: Books) {
  const [earnings, income] = [await statement.earnings(), await statement.income()]
  const accounts = await statement.accounts(99)
  const [owed, sources] = [await statement.owed(), await statement.owedBySource()]
  return { earnings, income, accounts, owed, sources, outgo: await statement.outgo() }
}

async function hold(
  { books, model, world }: Play,
  command: Extract<Command, { do: 'hold' }>,
): Promise<readonly [string, string]> {
  const at = world.time
  const limits = command.limits.flatMap((i) => LIMITS[command.account]?.[i] ?? [])
  const { account, each, fixed, id, input, least, patient, worse } = command
  const asked = { id, account, least, most: least + command.more, limits, at, patient }
  const worst = { fixed: fixed + worse * 1_500_000, input: input + worse }
  const deadline = at + command.lives
  const terms = command.rate === null ? null : termsOf(command, command.rate)
  const held = await books.ledger.hold({
    ...asked,
    deadline,
    quantities: { input },
    clamped: 'output',
    usd:
      terms === null
        ? undefined
        : {
            rate: BigInt(terms.rate) * 100_000_000n,
            price: terms.par && { base: BigInt(terms.par.fixed), each: BigInt(terms.par.each) },
          },
    price: { base: BigInt(fixed), each: BigInt(each) },
    worst: {
      price: { base: BigInt(worst.fixed), each: BigInt(each) },
      quantities: { input: worst.input },
    },
    what: { model: 'llama3', dialect: 'openai-chat', pass: null },
  })
  const wanted = model.hold({ ...asked, input, worst, fixed, each, deadline, terms })
  if (held.ok) return [`granted ${held.value.granted} for ${held.value.amount}`, wanted]
  const { error } = held
  if (error.why === 'limit_reached') return [`limit_reached ${error.limit.meter}`, wanted]
  if ('needed' in error) return [`${error.why} ${error.needed}`, wanted]
  return [error.why, wanted]
}

function termsOf(
  { each, fixed, par }: Pick<Extract<Command, { do: 'hold' }>, 'each' | 'fixed' | 'par'>,
  rate: number,
): Terms {
  if (par === null) return { rate, par }
  if (par === 'odd') return { rate, par: { fixed: 300_001, each: 777_777 } }
  const at = (msat: number) => Math.ceil((msat * rate) / 100_000)
  return { rate, par: { fixed: at(fixed), each: at(each) } }
}

const settled = ({ charged, overrun, owed }: Settled): string =>
  `charged ${charged} owed ${owed} overrun ${overrun}`
