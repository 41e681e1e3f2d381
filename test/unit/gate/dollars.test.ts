import { describe, expect, it } from 'vitest'
import { bothBalances, dollarTerms } from '../../../src/gate/dollars.ts'
import { msat } from '../../../src/money/msat.ts'
import type { UsdPerBtc } from '../../../src/money/parse.ts'
import { at, ceilingPrice, charge } from '../../../src/money/price.ts'
import { inDollars, inSats, makePricing } from '../../../src/money/pricing.ts'
import { microUsd } from '../../../src/money/usd.ts'

const rate = (usd: bigint) => (usd * 10n ** 8n) as UsdPerBtc

describe('L5 the rate of a request', () => {
  const asked = (now: UsdPerBtc | null) => {
    const calls: number[] = []
    const rateNow = () => {
      calls.push(1)
      return now
    }
    return { calls, rateNow }
  }
  const usd = { each: { output: 2_000_000n }, rate: rate(90_000n) }

  it.each([
    ['a price in sats: the rate of now', null, undefined, 100_000n, 100_000n, 1],
    ['a payment that came with it: its offer', null, 80_000n, 100_000n, 80_000n, 0],
    ['a price in dollars: the rate that made it', usd, undefined, 100_000n, 90_000n, 0],
    ['a price in dollars, and a payment: its offer', usd, 80_000n, 100_000n, 80_000n, 0],
    ['a price in sats, and nobody knows', null, undefined, null, null, 1],
  ] as const)('%s', (_, price, offered, now, expected, times) => {
    const { calls, rateNow } = asked(now === null ? null : rate(now))
    const payer = { usdRate: offered === undefined ? undefined : rate(offered) }
    const terms = dollarTerms({ usd: price }, payer, rateNow)
    expect(terms?.rate ?? null).toBe(expected === null ? null : rate(expected))
    if (terms !== null) expect(terms.price).toBe(price?.each ?? null)
    expect(calls).toHaveLength(times)
  })

  it('tells both balances of what they are worth together', () => {
    // $0.0105 are 10.5 sat at $100,000.
    expect(bothBalances(msat(13_500n), microUsd(10_500n), rate(100_000n))).toEqual([
      ...[3_000n, '$0.0105'],
    ])
    expect(bothBalances(msat(1n), microUsd(10_500n), rate(100_000n))[0]).toBe(0n)
  })
})

describe('a price in dollars at par', () => {
  /** $2 per million tokens of output, and 1 sat each call. */
  const price = { in: 'usd', usd: { output: 2_000_000n }, sats: { call: 1_000_000_000n } } as const

  it('is in micro-dollars what the operator wrote, and parts in sats are changed once, up', () => {
    const each = inDollars(price, rate(100_000n))
    // 1 sat is 1,000 µ$ at $100,000: 10^9 µ$ per million calls.
    expect(each).toEqual({ output: 2_000_000n, call: 1_000_000_000n })
    expect(charge(each, { output: 1_000_000 })).toBe(2_001_000n)
    expect(inDollars(price, 9_999_999_999_999n as UsdPerBtc).call).toBe(1_000_000_000n)
    expect(at(ceilingPrice(each, {}, 'output'), 500_000)).toBe(1_001_000n)
  })

  it.each([1n, 30_000n, 99_999n, 1_000_000n])('agrees with the price in sats at $%d', (usd) => {
    const each = inDollars(price, rate(usd))
    const sats = inSats(price, rate(usd))
    const used = { output: 123_456 }
    const par = charge(each, used)
    const inMsat = charge(sats, used)
    // What the msat cost at that rate: at least par, and at most one msat and one µ$ more.
    const cost = (inMsat * rate(usd)) / 10n ** 13n
    expect(cost - par).toBeGreaterThanOrEqual(-1n)
    expect(cost - par).toBeLessThanOrEqual(rate(usd) / 10n ** 13n + 1n)
  })

  it('is known for a model priced in dollars alone', () => {
    const list = {
      fallback: { in: 'sats', rate: { output: 1n } },
      models: [{ pattern: 'dear', price: { in: 'usd', usd: { output: 5n }, sats: {} } }],
    } as never
    const pricing = makePricing(list, () => ({ ok: true, value: rate(100_000n) }))
    expect(pricing.priceOf('dear')).toMatchObject({
      usd: { each: { output: 5n }, rate: rate(100_000n) },
    })
    expect(pricing.priceOf('cheap')).toMatchObject({ usd: null })
  })
})
