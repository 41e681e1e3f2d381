import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat } from '../../../src/money/msat.ts'
import { affordable, at, ceilingLine, charge, isFree, type Rate } from '../../../src/money/price.ts'

/** The arithmetic of every charge, said again in fractions of a micro-msat. */
const price = fc.bigInt({ min: 0n, max: 10n ** 12n })
const rates: fc.Arbitrary<Rate> = fc.record({
  inputPerMillion: fc.oneof(price, fc.constant(0n)),
  cachedPerMillion: fc.oneof(price, fc.constant(0n)),
  outputPerMillion: fc.oneof(price, fc.constant(0n)),
  perRequest: fc.oneof(price, fc.constant(0n)).map((amount) => msat(amount)),
})
const count = fc.nat(2_000_000)
const tokens = fc
  .tuple(count, count, count)
  .map(([fresh, cached, output]) => ({ input: fresh + cached, cached, output }))

const rate = (parts: Partial<Record<keyof Rate, bigint>>): Rate => ({
  inputPerMillion: parts.inputPerMillion ?? 0n,
  cachedPerMillion: parts.cachedPerMillion ?? 0n,
  outputPerMillion: parts.outputPerMillion ?? 0n,
  perRequest: msat(parts.perRequest ?? 0n),
})

describe('a charge', () => {
  it('is every token at its own rate and the request once, rounded up once', () => {
    fc.assert(
      fc.property(rates, tokens, (rate, { input, cached, output }) => {
        const micro =
          BigInt(input - cached) * rate.inputPerMillion +
          BigInt(cached) * rate.cachedPerMillion +
          BigInt(output) * rate.outputPerMillion +
          BigInt(rate.perRequest) * 1_000_000n
        const charged = BigInt(charge(rate, { input, cached, output }))
        expect(charged * 1_000_000n).toBeGreaterThanOrEqual(micro)
        expect(charged * 1_000_000n - micro).toBeLessThan(1_000_000n)
      }),
    )
  })

  it.each([
    [{ inputPerMillion: 1_000_000n }, { input: 10, cached: 4, output: 7 }, 6n],
    [{ cachedPerMillion: 500_000n }, { input: 10, cached: 4, output: 7 }, 2n],
    [{ outputPerMillion: 1_000_000n }, { input: 10, cached: 4, output: 7 }, 7n],
    [{ perRequest: 5n }, { input: 10, cached: 4, output: 7 }, 5n],
    [{ inputPerMillion: 1n }, { input: 1, cached: 0, output: 0 }, 1n],
    [{ inputPerMillion: 1n }, { input: 1_000_000, cached: 0, output: 0 }, 1n],
    [{ inputPerMillion: 1n }, { input: 1_000_001, cached: 0, output: 0 }, 2n],
    [{}, { input: 10, cached: 4, output: 7 }, 0n],
  ] as const)('of the parts of a rate: case %#', (parts, used, amount) => {
    expect(charge(rate(parts), used)).toBe(amount)
  })
})

describe('a ceiling', () => {
  it('is never below the charge of what it was made for, however much of the prompt was cached', () => {
    fc.assert(
      fc.property(rates, tokens, (rate, used) => {
        const held = at(ceilingLine(rate, used.input), used.output)
        expect(held).toBeGreaterThanOrEqual(charge(rate, used))
      }),
    )
  })

  it('affords the most output that the money buys, and one token more costs more', () => {
    fc.assert(
      fc.property(
        rates,
        count,
        fc.bigInt({ min: 0n, max: 10n ** 15n }),
        count,
        (rate, input, money, most) => {
          const line = ceilingLine(rate, input)
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

  it('that takes the very last msat is affordable', () => {
    const line = ceilingLine(rate({ inputPerMillion: 1_000_000n }), 10)
    expect([affordable(line, 10n, 5), affordable(line, 9n, 5)]).toEqual([5, null])
  })
})

it('only what costs nothing in any way is free', () => {
  expect(isFree(rate({}))).toBe(true)
  for (const part of ['inputPerMillion', 'cachedPerMillion', 'outputPerMillion', 'perRequest']) {
    expect(isFree(rate({ [part]: 1n }))).toBe(false)
  }
})
