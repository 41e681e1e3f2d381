import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Call, MintRateLimit } from '../../../src/wallets/ecash/mint-rate-limit.ts'

const clocked = (limited = true) => {
  const clock = { now: 1_000_000 }
  return { clock, rateLimit: new MintRateLimit({ now: () => clock.now }, limited) }
}

/** How many calls of that kind are allowed at once. */
function most(rateLimit: MintRateLimit, call: Call): number {
  let got = 0
  while (got < 100 && rateLimit.take(call) === 0) got += 1
  return got
}

describe('J5 status_page_costs_the_mint_nothing', () => {
  it('whatever is polled and offered, there is room for shared invoices, top-ups and paid ones', () => {
    const { clock, rateLimit } = clocked()
    // Minutes with open pages and strangers who keep asking.
    for (let second = 0; second < 600; second += 1) {
      most(rateLimit, 'poll')
      most(rateLimit, 'offer')
      clock.now += 1_000
    }
    expect(most(rateLimit, 'shared')).toBeGreaterThanOrEqual(2)
    expect(most(rateLimit, 'top_up')).toBeGreaterThanOrEqual(2)
    expect(most(rateLimit, 'paid')).toBeGreaterThanOrEqual(4)
  })

  it('polls leave invoices to strangers, and strangers leave polls', () => {
    const polled = clocked()
    for (let second = 0; second < 60; second += 1) {
      most(polled.rateLimit, 'poll')
      polled.clock.now += 1_000
    }
    expect(most(polled.rateLimit, 'offer')).toBeGreaterThanOrEqual(3)
    const flooded = clocked()
    expect(most(flooded.rateLimit, 'offer')).toBe(6)
    let polls = 0
    for (let second = 0; second < 60; second += 1) {
      polls += most(flooded.rateLimit, 'poll')
      flooded.clock.now += 999
    }
    expect(polls).toBeGreaterThanOrEqual(3)
  })

  it('polls come evenly: a payment late in a minute is seen as soon as one early in it', () => {
    const { clock, rateLimit } = clocked()
    const at: number[] = []
    for (let second = 0; second < 180; second += 1) {
      if (rateLimit.take('poll') === 0) at.push(second)
      clock.now += 1_000
    }
    const gaps = at.slice(1).map((second, before) => second - (at[before] ?? 0))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(20)
    expect(at.length).toBeGreaterThanOrEqual(17)
  })
})

describe('a mint is asked within its limit', () => {
  it('I10 in no minute more than it allows, in any order of calls, and each wait is long enough', () => {
    const step = fc.record({
      call: fc.constantFrom<Call>('poll', 'offer', 'shared', 'top_up', 'paid'),
      pass: fc.constantFrom(0, 0, 0, 300, 5_000, 30_000),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const { clock, rateLimit } = clocked()
        const made: number[] = []
        for (const { call, pass } of steps) {
          clock.now += pass
          const wait = rateLimit.take(call)
          expect(wait).toBeGreaterThanOrEqual(0)
          expect(wait).toBeLessThanOrEqual(60_000)
          if (wait === 0) made.push(clock.now)
          expect(made.filter((at) => at > clock.now - 60_000).length).toBeLessThanOrEqual(17)
        }
      }),
    )
  })

  it('a call that waits as long as it is told succeeds, if nobody else asks', () => {
    for (const call of ['poll', 'offer', 'shared', 'top_up', 'paid'] as const) {
      const { clock, rateLimit } = clocked()
      for (const other of ['paid', 'offer', 'top_up', 'shared', 'poll'] as const)
        most(rateLimit, other)
      let waits = 0
      for (let wait = rateLimit.take(call); wait > 0; wait = rateLimit.take(call)) {
        clock.now += wait
        waits += 1
      }
      expect(waits).toBeLessThanOrEqual(17)
    }
  })

  it('a mint on this machine is asked freely until it answers 429', () => {
    const { clock, rateLimit } = clocked(false)
    expect([rateLimit.strangersAMinute, most(rateLimit, 'offer')]).toEqual([null, 100])
    rateLimit.refused(null)
    expect(rateLimit.take('paid')).toBe(65_000)
    clock.now += 65_000
    expect([rateLimit.strangersAMinute, most(rateLimit, 'offer')]).toEqual([3, 6])
  })
})
