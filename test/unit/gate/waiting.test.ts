import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Held } from '../../../src/gate/call.ts'
import { Holds, type Taken } from '../../../src/gate/hold.ts'
import { type Sent, Settler } from '../../../src/gate/settle.ts'
import { msat } from '../../../src/money/msat.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'
import { everySlot } from '../../support/slots.ts'
import { real } from '../../support/world.ts'

/**
 * A request waits for money that other requests of its account hold. It is admitted when one of
 * them closes, in whatever way. The clock does not move here, so no wait ends by time.
 */
const RATE = {
  input: 1_000_000n,
  cached: 1_000_000n,
  output: 1_000_000n,
}
const world = real

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

async function queue() {
  const { ledger } = openMemoryBooks('play')
  const native = { amount: '100', unit: 'msat', rate: '1' }
  const payment = {
    payment: 'p',
    account: 'a',
    credit: 'paid',
    rail: 'l402',
    native,
    at: 0,
  } as const
  await ledger.deposit({ ...payment, amount: msat(100n) })
  const holds = new Holds(ledger, world, 600_000)
  const settler = new Settler({ world, onUpstreamFailure: 'used' })
  const take = (id: string) =>
    holds.take(
      {
        request: {
          ...{ id, account: 'a', limits: [] },
          what: { model: 'm', dialect: 'openai-chat', pass: null },
        },
        rate: RATE,
        bound: { input: 10 },
        template: 0,
        dollars: null,
        inputEstimate: async () => 8,
        least: 1,
        most: 40,
      },
      everySlot,
      () => false,
    )
  const first = await take('first')
  const second = await take('second')
  let admitted: Taken | null = null
  void Promise.resolve(take('third')).then((taken) => {
    admitted = taken
  })
  await vi.advanceTimersByTimeAsync(0)
  return {
    settler,
    first: heldOf(holds, first),
    second: heldOf(holds, second),
    third: () => admitted,
  }
}

function heldOf(holds: Holds, taken: Taken): Held {
  if (!taken.ok) throw new Error('it was refused')
  const estimate = { reported() {}, tokens: async () => 8 }
  const parts = { holds, hold: taken.hold, rate: RATE, usd: null, observed: null, estimate }
  return { ...parts, asked: { most: { input: 10 }, stream: true } } as unknown as Held
}

const ending = (end: Sent['end'], flowed: boolean): Sent => ({
  sent: true,
  end,
  whole: false,
  meter: {
    seen: { output: flowed },
    usage: () => ({ source: 'reported', input: 8, cached: 0, output: 3, reportedInput: 8 }),
  } as unknown as Sent['meter'],
})

describe('a waiting request is woken by the one that', () => {
  it.each([
    ['is settled', (settler: Settler, held: Held) => settler.close(held, ending('complete', true))],
    ['left', (settler: Settler, held: Held) => settler.close(held, ending('client_left', true))],
    [
      'failed',
      (settler: Settler, held: Held) => settler.close(held, ending('upstream_failed', false)),
    ],
    [
      'was never sent',
      (settler: Settler, held: Held) => settler.close(held, { sent: false, end: 'client_left' }),
    ],
  ] as const)('%s', async (_, close) => {
    const { settler, first, second, third } = await queue()
    const at = world.now()
    expect(third()).toBeNull()
    await close(settler, first)
    await close(settler, second)
    await vi.advanceTimersByTimeAsync(0)
    expect(third()).toMatchObject({ ok: true })
    expect(world.now()).toBe(at)
    // The sweep of those who wait stops by itself.
    await vi.advanceTimersByTimeAsync(500)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('money that is released while a waiting request tries again', () => {
  it('is not missed', async () => {
    const { settler, first, second, third } = await queue()
    void settler.close(first, ending('client_left', true))
    await settler.close(second, ending('client_left', true))
    await vi.advanceTimersByTimeAsync(0)
    expect(third()).toMatchObject({ ok: true })
  })
})
