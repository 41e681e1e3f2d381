import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  describePrice,
  formatDecimal,
  type Price,
  parseDecimal,
  parsePrice,
  parseSatsEach,
  parseSatsPerThousand,
  parseUsdPerBtc,
  parseUsdPerMillion,
  type SalePrice,
  splitModelPrice,
} from '../../../src/money/parse.ts'
import { charge, type Rate } from '../../../src/money/price.ts'

const value = <T>(result: { ok: true; value: T } | { ok: false; error: string }): T => {
  if (!result.ok) throw new Error(result.error)
  return result.value
}

describe('sats per 1,000 tokens are msat per million', () => {
  it.each([
    ['1', 1_000_000n],
    ['0', 0n],
    ['0.5', 500_000n],
    ['0.001', 1_000n],
    ['0.000001', 1n],
    ['1.100000000', 1_100_000n],
    ['007', 7_000_000n],
    ['100000000', 100_000_000_000_000n],
  ])('%s is %s', (text, rate) => {
    expect(value(parseSatsPerThousand(text))).toBe(rate)
  })

  it.each([
    ['0.0000001', 'is too fine: at most 6 decimals'],
    ['-1', 'is below zero'],
    ['100000000.1', 'is above 100,000,000'],
    ['1e3', 'is not a plain decimal number'],
    ['0x10', 'is not a plain decimal number'],
    ['.5', 'is not a plain decimal number'],
    ['5.', 'is not a plain decimal number'],
    ['1,5', 'is not a plain decimal number'],
    ['+1', 'is not a plain decimal number'],
    ['', 'is not a plain decimal number'],
    ['NaN', 'is not a plain decimal number'],
    ['Infinity', 'is not a plain decimal number'],
    ['١', 'is not a plain decimal number'],
    ['1\n', 'is not a plain decimal number'],
    ['9'.repeat(1_000_000), 'is not a number'],
  ])('%.20s is refused', (text, error) => {
    expect(parseSatsPerThousand(text)).toEqual({ ok: false, error })
  })
})

it('A14 a price is exactly what was written: no float is used', () => {
  // 0.1 + 0.2 and 0.29 × 100 are well-known cases in which floats are inexact.
  const rate = { ...rateOf('0.29'), call: value(parseSatsEach('0.3')) }
  expect(charge(rate, { input: 100_000, cached: 0, output: 0 })).toBe(29_300n)
  const decimal = fc.tuple(fc.nat(), fc.nat({ max: 999_999 }))
  fc.assert(
    fc.property(decimal, ([whole, fraction]) => {
      const scaled = BigInt(whole) * 1_000_000n + BigInt(fraction)
      expect(value(parseDecimal(formatDecimal(scaled, 6), 6))).toBe(scaled)
    }),
  )
})

function rateOf(text: string) {
  const price = value(parsePrice(text))
  if (price.in !== 'sats') throw new Error(text)
  return price.rate
}

describe('a price in one word', () => {
  it('A13 one figure is the price of input, of cached input and of output alike', () => {
    expect(rateOf('2')).toEqual({
      input: 2_000_000n,
      cached: 2_000_000n,
      output: 2_000_000n,
    })
  })

  it('input/output, and the cached input costs as the other', () => {
    expect(rateOf('1/3')).toMatchObject({
      input: 1_000_000n,
      cached: 1_000_000n,
      output: 3_000_000n,
    })
    expect(rateOf(' 1 / 3 ')).toEqual(rateOf('1/3'))
  })

  it.each(['', '/', '1/', '/3', '1/2/3', 'cheap', 'Free', 'free/1', 'refuse/1', '1/-3'])(
    '"%s" is refused',
    (text) => {
      expect(parsePrice(text).ok).toBe(false)
    },
  )

  it('is a price or a refusal, whatever the text', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parsePrice(text).ok === 'boolean'))
  })
})

it.each([
  ['a=1', { name: 'a', price: '1' }],
  ['a=b=1/3', { name: 'a=b', price: '1/3' }],
  ['library/x:7b=free', { name: 'library/x:7b', price: 'free' }],
  ['a={input: 1, output: 2}', { name: 'a', price: '{input: 1, output: 2}' }],
])('%s is a model and its price', (text, pair) => {
  expect(value(splitModelPrice(text))).toEqual(pair)
})

it.each(['a', '=1', ''])('"%s" is no model and price', (text) => {
  expect(splitModelPrice(text).ok).toBe(false)
})

it('other amounts have their own precision', () => {
  expect(value(parseSatsEach('0.1'))).toBe(100_000_000n)
  expect(parseSatsEach('0.0001').ok).toBe(false)
  expect(value(parseUsdPerMillion('0.075'))).toBe(75_000n)
  expect(parseUsdPerMillion('100001').ok).toBe(false)
  expect(value(parseUsdPerBtc('64123.455'))).toBe(6_412_345_500_000n)
  expect(parseUsdPerBtc('0.99').ok).toBe(false)
})

describe('a price for people', () => {
  const each = (text: string) => value(parseSatsEach(text))
  const sats = (input: bigint, cached: bigint, output: bigint, more: Rate = {}): Price => ({
    in: 'sats',
    rate: { input, cached, output, ...more },
  })
  const usd: SalePrice & { in: 'usd' } = {
    in: 'usd',
    usd: { input: 500_000n, cached: 500_000n, output: 2_000_000n },
    sats: { call: each('1') },
  }
  it.each([
    [sats(1_000_000n, 1_000_000n, 1_000_000n), '1 sat per 1,000 tokens'],
    [sats(1_000_000n, 1_000_000n, 3_000_000n), '1 sat in, 3 sat out per 1,000 tokens'],
    [
      sats(2_000_000n, 500_000n, 8_000_000n, { call: each('0.1') }),
      '2 sat in, 0.5 sat cached, 8 sat out per 1,000 tokens and 0.1 sat per request',
    ],
    [sats(0n, 0n, 0n), 'free'],
    [sats(0n, 0n, 0n, { call: each('5') }), '5 sat per request'],
    [usd, '$0.5 in, $2 out per million tokens and 1 sat per request'],
    [
      sats(1_000_000n, 1_000_000n, 1_000_000n, { image: each('20'), call: each('5') }),
      '1 sat per 1,000 tokens, 20 sat per image and 5 sat per request',
    ],
    [
      sats(0n, 0n, 0n, { byte: 5_000n, second: each('0.2') }),
      '0.2 sat per second and 0.000005 sat per byte',
    ],
    [
      { ...usd, usd: { ...usd.usd, image: 40_000n * 1_000_000n }, sats: {} },
      '$0.5 in, $2 out per million tokens and $0.04 per image',
    ],
    [{ in: 'refuse' } as const, 'refused'],
  ])('%# reads "%s"', (price, text) => {
    expect(describePrice(price)).toBe(text)
  })
})
