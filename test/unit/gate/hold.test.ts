import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Holds, type Taken, type Want } from '../../../src/gate/hold.ts'
import type { Limit } from '../../../src/ledger/ledger.ts'
import { msat } from '../../../src/money/msat.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'
import { everySlot } from '../../support/slots.ts'
import { real } from '../../support/world.ts'

/** Each token costs one msat, so tokens and money have equal figures. */
const RATE = {
  input: 1_000_000n,
  cached: 1_000_000n,
  output: 1_000_000n,
}
const world = real

async function holdsWith(balance: bigint) {
  const { ledger, statement } = openMemoryBooks('play')
  await ledger.deposit({
    payment: 'ln:1',
    account: 'a',
    amount: msat(balance),
    credit: 'paid',
    rail: 'l402',
    native: { amount: `${balance}`, unit: 'msat', rate: '1' },
    at: world.now(),
  })
  return { ledger, statement, holds: new Holds(ledger, world, 600_000) }
}

let ids = 0
function want(parts: Partial<Want> & { limits?: readonly Limit[] } = {}): Want {
  ids += 1
  const { limits = [], ...rest } = parts
  const what = { model: 'm', dialect: 'openai-chat', pass: null }
  return {
    request: { id: `hold-${ids}`, account: 'a', limits, what },
    rate: RATE,
    bound: { input: 100 },
    template: 0,
    dollars: null,
    inputEstimate: async () => 40,
    least: 1,
    most: 200,
    ...rest,
  }
}

const stays = () => false
const output = (taken: Taken) => (taken.ok ? taken.hold.granted : taken.refused.why)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('what is held', () => {
  it.each([
    { balance: 1_000n, output: 200, input: 100, why: 'the bound and all that was asked for' },
    { balance: 300n, output: 200, input: 100, why: 'to the last msat' },
    {
      balance: 299n,
      output: 200,
      input: 50,
      why: 'the estimate and a quarter, where the bound is dear',
    },
    { balance: 250n, output: 200, input: 50, why: 'the estimate to the last msat' },
    { balance: 249n, output: 199, input: 50, why: 'a clamped answer, where that is dear too' },
    { balance: 51n, output: 1, input: 50, why: 'one token is an answer' },
    { balance: 50n, output: 'insufficient_funds', input: 50, why: 'none is not' },
    { balance: 1n, output: 'insufficient_funds', input: 50, why: 'not even the prompt' },
  ])('a balance of $balance msat: $why', async (row) => {
    const { holds } = await holdsWith(row.balance)
    const taken = await holds.take(want(), everySlot, stays)
    expect({ output: output(taken), input: taken.input }).toEqual({
      output: row.output,
      input: row.input,
    })
    if (taken.ok) expect(taken.hold.amount).toBe(BigInt(row.input + taken.hold.granted))
  })

  it('an estimate above the bound is never held, because the bound is never too low', async () => {
    const { holds } = await holdsWith(250n)
    const taken = await holds.take(want({ inputEstimate: async () => 4_000 }), everySlot, stays)
    expect([output(taken), taken.input]).toEqual([150, 100])
  })

  it('the estimate is not made if the account can pay for the bound, because it is slow', async () => {
    const { holds } = await holdsWith(1_000n)
    const inputEstimate = vi.fn(async () => 40)
    await holds.take(want({ inputEstimate }), everySlot, stays)
    expect(inputEstimate).not.toHaveBeenCalled()
  })

  it('a refusal tells what the least would cost and what there is', async () => {
    const { holds } = await holdsWith(50n)
    const taken = await holds.take(want(), everySlot, stays)
    expect(taken).toMatchObject({ refused: { needed: 51n, balance: 50n } })
  })

  it('embeddings have no output: only the prompt is held', async () => {
    const { holds } = await holdsWith(100n)
    const taken = await holds.take(want({ least: 0, most: 0 }), everySlot, stays)
    expect(taken).toMatchObject({ ok: true, hold: { granted: 0, amount: 100n } })
  })

  it('everything that has a price is held with the prompt, whatever the prompt costs', async () => {
    const images = { rate: { ...RATE, image: 20_000_000n }, bound: { input: 100, image: 3 } }
    for (const [balance, granted, amount] of [
      [360n, 200, 360n],
      [150n, 40, 150n],
      [110n, 'insufficient_funds', 0n],
    ] as const) {
      const { holds, ledger } = await holdsWith(balance)
      const taken = await holds.take(want(images), everySlot, stays)
      expect(output(taken)).toBe(granted)
      expect(await ledger.balance('a')).toMatchObject({ held: amount })
    }
  })
})

describe('money that the account’s own running requests hold', () => {
  it('B1 is waited for, not spent twice and not bought again', async () => {
    const { ledger, holds } = await holdsWith(300n)
    const first = await holds.take(want(), everySlot, stays)
    const second = holds.take(want(), everySlot, stays)
    await vi.advanceTimersByTimeAsync(3_000)
    if (!first.ok) throw new Error('the first one was refused')
    await ledger.release(first.hold.id, 'complete', world.now())
    holds.released('a')
    expect(output(await second)).toBe(200)
  })

  it('after about 5 s the request gets what is free, however little', async () => {
    const { holds } = await holdsWith(400n)
    await holds.take(want(), everySlot, stays)
    const second = holds.take(want(), everySlot, stays)
    const early = vi.fn()
    void Promise.resolve(second).then(early)
    await vi.advanceTimersByTimeAsync(4_900)
    expect(early).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(200)
    expect(output(await second)).toBe(50)
  })

  it('after about 5 s with nothing free it is refused as held, with the numbers', async () => {
    const { holds } = await holdsWith(300n)
    await holds.take(want(), everySlot, stays)
    const second = holds.take(want(), everySlot, stays)
    await vi.advanceTimersByTimeAsync(5_100)
    expect(await second).toMatchObject({ refused: { why: 'held', needed: 51n, available: 0n } })
  })

  it('if less than needed is freed, the request waits on within the same 5 s', async () => {
    const { holds } = await holdsWith(300n)
    await holds.take(want(), everySlot, stays)
    const second = holds.take(want(), everySlot, stays)
    for (let i = 0; i < 10; i += 1) {
      await vi.advanceTimersByTimeAsync(500)
      holds.released('a')
    }
    await vi.advanceTimersByTimeAsync(100)
    expect(output(await second)).toBe('held')
  })

  it('a buyer who has left is not waited for', async () => {
    const { holds } = await holdsWith(300n)
    await holds.take(want(), everySlot, stays)
    let gone = false
    const second = holds.take(want(), everySlot, () => gone)
    await vi.advanceTimersByTimeAsync(100)
    gone = true
    holds.released('a')
    await vi.advanceTimersByTimeAsync(0)
    expect(output(await second)).toBe('held')
  })

  it('of a pass whose own limit they fill is waited for, and the request is not clamped', async () => {
    const { ledger, holds } = await holdsWith(10_000n)
    const limits: Limit[] = [{ meter: 'm1', unit: 'spend', window: 'total', max: 300n }]
    const first = await holds.take(want({ limits }), everySlot, stays)
    const second = holds.take(want({ limits, most: 1_000 }), everySlot, stays)
    const early = vi.fn()
    void Promise.resolve(second).then(early)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(early).not.toHaveBeenCalled()
    if (!first.ok) throw new Error('the first one was refused')
    await ledger.release(first.hold.id, 'complete', world.now())
    holds.released('a')
    expect(output(await second)).toBe(250)
  })

  it('leaves no timer behind', async () => {
    const { ledger, holds } = await holdsWith(300n)
    const first = await holds.take(want(), everySlot, stays)
    const second = holds.take(want(), everySlot, stays)
    await vi.advanceTimersByTimeAsync(10)
    if (first.ok) await ledger.release(first.hold.id, 'complete', world.now())
    holds.released('a')
    await second
    await vi.advanceTimersByTimeAsync(500)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('B2 many at once never hold more than there is', async () => {
    const { ledger, holds, statement } = await holdsWith(1_000n)
    const all = Promise.all(Array.from({ length: 40 }, () => holds.take(want(), everySlot, stays)))
    await vi.advanceTimersByTimeAsync(5_200)
    const held = (await all).reduce((sum, one) => sum + (one.ok ? one.hold.amount : 0n), 0n)
    const balance = await ledger.balance('a')
    expect(held).toBe(balance?.held)
    expect(held + (balance?.available ?? 0n)).toBe(1_000n)
    expect((await statement.verify()).ok).toBe(true)
  })
})

describe('J4 a limit in one request, which has no meter', () => {
  const inARequest = (max: bigint, unit: Limit['unit'] = 'spend'): Limit[] => [
    { meter: 'm1', unit, window: 'req', max },
  ]

  it.each([
    { limits: inARequest(700n), output: 'limit_reached', why: 'the worst alone does not fit' },
    { limits: inARequest(701n), output: 1, why: 'one token is an answer' },
    { limits: inARequest(750n), output: 50, why: 'the worst and the answer fit' },
    { limits: inARequest(700n, 'tokens'), output: 'limit_reached', why: 'tokens likewise' },
    { limits: inARequest(750n, 'tokens'), output: 50, why: 'tokens likewise' },
    { limits: inARequest(10_000n), output: 200, why: 'a wide one changes nothing' },
  ])('$why: $output', async ({ limits, output: granted }) => {
    // If the account cannot pay for the bound, the estimate is held. The limit is still checked
    // against the bound.
    for (const [balance, held] of [
      [10_000n, 700],
      [890n, 650],
    ] as const) {
      const { holds } = await holdsWith(balance)
      const taken = await holds.take(want({ limits, template: 600 }), everySlot, stays)
      expect(output(taken)).toBe(granted)
      if (taken.ok && taken.hold.granted < 190) expect([650, 700]).toContain(taken.input)
      if (taken.ok && granted === 200) expect(taken.input).toBe(held)
    }
  })
})

describe('limits of a narrowed pass', () => {
  const limit = (max: bigint, unit: Limit['unit'] = 'spend'): Limit => ({
    meter: 'm1',
    unit,
    window: 'total',
    max,
  })

  it.each([
    { limits: [limit(150n)], output: 100, why: 'spend clamps' },
    { limits: [limit(120n, 'tokens')], output: 70, why: 'tokens clamp' },
    { limits: [limit(51n)], output: 1, why: 'one token is an answer' },
    { limits: [limit(50n)], output: 'limit_reached', why: 'none is not' },
    { limits: [limit(0n, 'calls')], output: 'limit_reached', why: 'calls do not clamp' },
  ])('$why: $output', async ({ limits, output: granted }) => {
    const { holds } = await holdsWith(10_000n)
    const taken = await holds.take(
      want({ limits, inputEstimate: async () => 40 }),
      everySlot,
      stays,
    )
    expect(output(taken)).toBe(granted)
  })
})
