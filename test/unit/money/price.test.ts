import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  affordable,
  at,
  type Clamped,
  ceilingPrice,
  charge,
  eachOf,
  isFree,
  type Rate,
} from '../../../src/money/price.ts'
import { checkQuantities, QUANTITIES, type Quantities, sum } from '../../../src/money/quantities.ts'

/** The arithmetic of every charge, written again with fractions of a micro-msat. */
const price = fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 12n }), fc.constant(0n))
const rateOf = (names: readonly (keyof Rate)[]): fc.Arbitrary<Rate> =>
  fc.record(Object.fromEntries(names.map((name) => [name, price])), { requiredKeys: [] })
const rates = rateOf(QUANTITIES)
const count = fc.nat(2_000_000)
const used: fc.Arbitrary<Quantities> = fc
  .record(Object.fromEntries(QUANTITIES.map((name) => [name, count])), { requiredKeys: [] })
  .map(({ input = 0, cached = 0, cacheWrite = 0, ...others }: Quantities) => ({
    ...others,
    input: input + cached + cacheWrite,
    cached,
    cacheWrite,
  }))

const CLAMPED: readonly Clamped[] = ['output', 'image', 'second', 'character', 'byte', 'call']

describe('a charge', () => {
  it('is every quantity at its own rate, rounded up once', () => {
    fc.assert(
      fc.property(rates, used, (rate, quantities) => {
        const { input = 0, cached = 0, cacheWrite = 0, ...others } = quantities
        const rest = input - cached - cacheWrite
        const fresh = { call: 1, ...others, input: rest, cached, cacheWrite }
        let micro = 0n
        for (const name of QUANTITIES) micro += BigInt(fresh[name] ?? 0) * eachOf(rate, name)
        const charged = BigInt(charge(rate, quantities))
        expect(charged * 1_000_000n).toBeGreaterThanOrEqual(micro)
        expect(charged * 1_000_000n - micro).toBeLessThan(1_000_000n)
      }),
    )
  })

  it.each([
    [{ input: 1_000_000n, cached: 0n }, { input: 10, cached: 4, output: 7 }, 6n],
    [{ cached: 500_000n }, { input: 10, cached: 4, output: 7 }, 2n],
    [{ output: 1_000_000n }, { input: 10, cached: 4, output: 7 }, 7n],
    [{ call: 5_000_000n }, { input: 10, cached: 4, output: 7 }, 5n],
    [{ input: 1n }, { input: 1, cached: 0, output: 0 }, 1n],
    [{ input: 1n }, { input: 1_000_000, cached: 0, output: 0 }, 1n],
    [{ input: 1n }, { input: 1_000_001, cached: 0, output: 0 }, 2n],
    [{}, { input: 10, cached: 4, output: 7 }, 0n],
    [
      { input: 1_000_000n, cached: 100_000n, cacheWrite: 1_250_000n },
      { input: 100, cached: 40, cacheWrite: 20 },
      69n,
    ],
    // L18 and so does one that was written into the cache.
    [{ input: 1_000_000n, cached: 0n }, { input: 10, cached: 4, cacheWrite: 3 }, 6n],
    [{ cacheWrite: 1_000_000n }, { input: 10, cacheWrite: 3 }, 3n],
    // A cached token without a price of its own costs as much as an input token.
    [{ input: 1_000_000n }, { input: 10, cached: 4, output: 7 }, 10n],
    [{ image: 20_000_000_000n, call: 5_000_000n }, { image: 3 }, 60_005n],
    [{ byte: 5_000n }, { byte: 1_000_001 }, 5_001n],
    [{ second: 200_000_000n }, { second: 7 }, 1_400n],
    // A request is one call if its usage names no number of calls. Several calls cost several
    // times.
    [{ call: 5_000_000n }, {}, 5n],
    [{ call: 5_000_000n }, { call: 3 }, 15n],
  ] as const)('of the parts of a rate: case %#', (rate, quantities, amount) => {
    expect(charge(rate, quantities)).toBe(amount)
  })
})

describe('a ceiling', () => {
  it('is never below the charge of anything within its bounds, whatever its units are', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CLAMPED),
        rates,
        used,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 9, maxLength: 9 }),
        (units, rate, most, parts) => {
          const held = at(
            ceilingPrice(rate, { ...most, [units]: 0 }, units),
            most[units] ?? (units === 'call' ? 1 : 0),
          )
          const less = (name: keyof Quantities, i: number) =>
            Math.floor((most[name] ?? (name === 'call' ? 1 : 0)) * (parts[i] ?? 1))
          const within = Object.fromEntries(QUANTITIES.map((name, i) => [name, less(name, i)]))
          const cached = Math.min(less('input', 0), less('cached', 1))
          const flowed: Quantities = {
            ...within,
            cached,
            cacheWrite: Math.min(less('input', 0) - cached, less('cacheWrite', 2)),
          }
          expect(held).toBeGreaterThanOrEqual(charge(rate, flowed))
          expect(held).toBeGreaterThanOrEqual(charge(rate, most))
        },
      ),
    )
  })

  it('allows the most output that the money buys, and one token more costs more', () => {
    fc.assert(
      fc.property(
        rates,
        count,
        fc.bigInt({ min: 0n, max: 10n ** 15n }),
        count,
        (rate, input, money, most) => {
          const line = ceilingPrice(rate, { input }, 'output')
          const output = affordable(line, money, most)
          if (output === null) {
            expect(at(line, 0)).toBeGreaterThan(money)
            return
          }
          expect(at(line, output)).toBeLessThanOrEqual(money)
          expect(output).toBeLessThanOrEqual(most)
          if (output < most) expect(at(line, output + 1)).toBeGreaterThan(money)
        },
      ),
    )
  })

  it('that takes the very last msat can be paid', () => {
    const line = ceilingPrice({ input: 1_000_000n }, { input: 10 }, 'output')
    expect([affordable(line, 10n, 5), affordable(line, 9n, 5)]).toEqual([5, null])
  })
})

it('only what costs nothing at all is free', () => {
  expect(isFree({})).toBe(true)
  expect(isFree(Object.fromEntries(QUANTITIES.map((name) => [name, 0n])))).toBe(true)
  for (const name of QUANTITIES) expect(isFree({ [name]: 1n })).toBe(false)
})

it('quantities add up one by one, and a quantity that neither names stays unnamed', () => {
  const a = { input: 3, output: 2 }
  expect(sum(a, { input: 4, image: 1 })).toEqual({ input: 7, output: 2, image: 1 })
  expect(sum({}, {})).toEqual({})
})

it.each([{ input: -1 }, { output: 0.5 }, { image: Number.NaN }])(
  'what is no count is a mistake of ours: %j',
  (quantities) => {
    expect(() => checkQuantities(quantities)).toThrow(/no count of/)
    expect(() => checkQuantities({ input: 0, image: 3 })).not.toThrow()
  },
)
