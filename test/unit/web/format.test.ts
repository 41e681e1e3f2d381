import { describe, expect, it } from 'vitest'
import {
  buysSentence,
  clock,
  dollarsOf,
  fromMsat,
  type Price,
  priceSentence,
} from '../../../src/web/format.ts'

const price = (input: number, output = input, request = 0): Price => ({ input, output, request })

describe('what the page says', () => {
  it.each([
    [[], ''],
    [[price(1)], '1 sat per 1,000 tokens.'],
    [[price(1), price(1)], '1 sat per 1,000 tokens.'],
    [[price(1, 2)], '1 sat in and 2 sat out per 1,000 tokens.'],
    [[price(1, 2), price(0.25, 2)], '0.25 to 1 sat in and 2 sat out per 1,000 tokens.'],
    [[price(1, 1, 5)], '1 sat per 1,000 tokens, and up to 5 sat per request.'],
    [[price(0)], 'Free.'],
  ])('of prices %j is %s', (prices, sentence) => {
    expect(priceSentence(prices, 'sat')).toBe(sentence)
  })

  it.each([
    [1000, [price(1)], null, '1,000 sat buys about 1 million tokens.'],
    [1000, [price(1, 3)], null, '1,000 sat buys about 330 thousand to 1 million tokens.'],
    [100, [price(1), price(0.5)], null, '100 sat buys about 100 thousand to 200 thousand tokens.'],
    [1000, [price(1)], 65_000, '1,000 sat (about $0.65) buys about 1 million tokens.'],
    [1, [price(1)], 65_000, '1 sat (about a cent or less) buys about 1 thousand tokens.'],
    [1000, [price(0, 0, 5)], null, '1,000 sat buys about 200 requests.'],
    [1000, [price(0), price(2)], null, '1,000 sat buys about 500 thousand tokens.'],
    [1000, [price(0)], null, ''],
    [1000, [], 65_000, ''],
  ])(
    'of what %d sat buy at %j, a bitcoin being %s dollars, is %s',
    (amount, prices, usdPerBtc, sentence) => {
      expect(buysSentence(amount, prices, { unit: 'sat', usdPerBtc, tiers: [] })).toBe(sentence)
    },
  )

  it.each([
    [999, '999 sat buys about 1 million tokens.'],
    [1_000, '1,000 sat and a bonus of 50 sat buy about 1.1 million tokens.'],
    [20_000, '20,000 sat and a bonus of 1,000 sat buy about 21 million tokens.'],
  ])('of %d sat, where larger payments buy more: %s', (amount, sentence) => {
    const tiers = [
      { amountSats: 1_000, creditSats: 1_050 },
      { amountSats: 10_000, creditSats: 11_000 },
    ]
    const prices = [{ input: 1, output: 1, request: 0 }]
    expect(buysSentence(amount, prices, { unit: 'sat', usdPerBtc: null, tiers })).toBe(sentence)
  })

  it.each([
    [0, '0 sat'],
    [52, '0.052 sat'],
    [999_948, '999.948 sat'],
    [10_000_000_000, '10,000,000 sat'],
  ])('of %d msat is %s', (msat, said) => {
    expect(fromMsat(msat, 'sat')).toBe(said)
  })

  it.each([
    [86_400_000, '24:00:00'],
    [3_661_000, '1:01:01'],
    [3_599_000, '59:59'],
    [600_000, '10:00'],
    [64_001, '1:05'],
    [1, '0:01'],
    [0, '0:00'],
    [-5_000, '0:00'],
  ])('of %d ms left is %s', (ms, said) => {
    expect(clock(ms)).toBe(said)
  })
})

describe('the dollars of a balance', () => {
  it.each([
    [undefined, undefined, ''],
    [0, true, ''],
    [9_000, true, '$0.009 of it in dollars'],
    [1_500_000, false, 'and $1.50'],
    [1, true, '$0.000001 of it in dollars'],
  ])('%j, counted %j', (micro, counted, words) => {
    expect(dollarsOf(micro, counted)).toBe(words)
  })
})
