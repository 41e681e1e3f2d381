import { describe, expect, it } from 'vitest'
import { err, ok } from '../../../src/floor/result.ts'
import { describePrice, type Price, parsePrice, parseUsdPerBtc } from '../../../src/money/parse.ts'
import { charge } from '../../../src/money/price.ts'
import { inSats, makePricing, type Priced } from '../../../src/money/pricing.ts'

const price = (text: string): Price => {
  const read = parsePrice(text)
  if (!read.ok) throw new Error(read.error)
  return read.value
}
const usdPerBtc = (text: string) => {
  const read = parseUsdPerBtc(text)
  if (!read.ok) throw new Error(read.error)
  return read.value
}
const dollars = (input: bigint, output: bigint) =>
  ({ in: 'usd', usd: { input, cached: input, output }, sats: {} }) as const

const listOf = (fallback: string, models: Record<string, string | Price>) => ({
  fallback: price(fallback),
  models: Object.entries(models).map(([pattern, said]) => ({
    pattern,
    price: typeof said === 'string' ? price(said) : said,
  })),
})
const noRate = () => err('nobody was asked')

describe('the most specific name wins, in whatever order they were written', () => {
  const models = {
    '*': '1',
    'llama*': '2',
    '*70b': '4',
    'llama3*': '3',
    'llama3:70b': '9',
    'llama3:*b': '5',
    'legacy-*': 'refuse',
    gift: 'free',
  }
  it.each([
    ['llama3:70b', '9'],
    ['llama3:8b', '5'],
    ['llama3', '3'],
    ['llama', '2'],
    ['mixtral-70b', '4'],
    ['phi', '1'],
    ['gift', 'free'],
  ])('%s costs %s', (model, text) => {
    const entries = Object.entries(models)
    for (const order of [entries, [...entries].reverse()]) {
      const pricing = makePricing(listOf('7', Object.fromEntries(order)), noRate)
      const wanted = price(text)
      expect(pricing.priceOf(model)).toMatchObject({
        is: 'priced',
        rate: wanted.in === 'sats' && wanted.rate,
      })
    }
  })

  it('and a refused model is refused whatever the default', () => {
    expect(makePricing(listOf('1', models), noRate).priceOf('legacy-x')).toEqual({ is: 'refused' })
  })
})

const labelOf = (priced: Priced): string =>
  priced.is === 'priced' ? describePrice(priced.price) : priced.is

describe('J10 of all the names of a model the most specific pattern counts', () => {
  const asItIs = (text: string) => text
  const of = (prices: Record<string, string>, ...names: string[]) => {
    const priced = makePricing(listOf('7', prices), noRate).priceOf({ names, fold: asItIs })
    return labelOf(priced)
  }

  it.each([
    [{ 'a*': '1', 'b-1*': '5' }, '5 sat'],
    [{ 'a*': '9', b: '5' }, '9 sat'],
    [{ 'a*': '9', 'b-1': '5' }, '5 sat'],
    [{ 'a-1': '9', 'b-1': '5' }, '9 sat'],
    [{ 'a-*': '5', '*-1': '9' }, '9 sat'],
    [{ '*-1': '9', 'a-*': '5' }, '9 sat'],
    [{ 'a-1': '2/8', 'b-1': '4/3' }, '4 sat in'],
    [{ 'a-1': '2/8', 'b-1': '1/4' }, '2 sat in'],
    [{ 'a-1': 'refuse', 'b-1': '1' }, 'refused'],
    [{ 'a-1': 'free', 'b-1': '1' }, '1 sat'],
    [{ c: '1' }, '7 sat'],
  ])('%j', (prices, label) => {
    expect(of(prices as Record<string, string>, 'a-1', 'b-1')).toContain(label)
    expect(of(prices as Record<string, string>, 'b-1', 'a-1')).toContain(label)
  })

  it('if each of two is dearer in one part, no mix of tokens gets around it', () => {
    const pricing = makePricing(listOf('7', { 'a-1': '2/8', 'b-1': '4/3' }), noRate)
    const priced = pricing.priceOf({ names: ['a-1', 'b-1'], fold: asItIs })
    expect(priced).toMatchObject({ rate: { input: 4_000_000n, output: 8_000_000n } })
    expect(labelOf(priced)).toBe('4 sat in, 8 sat out per 1,000 tokens')
  })

  it('a price without a current rate is dearer than any that has one', () => {
    const list = listOf('1', { 'a-1': dollars(1n, 1n), 'b-1': '1' })
    const pricing = makePricing(list, noRate)
    expect(pricing.priceOf({ names: ['b-1', 'a-1'], fold: asItIs }).is).toBe('usd_unavailable')
  })
})

describe('A12 a model without a price is not sold cheaply', () => {
  const pricing = makePricing(listOf('refuse', { llama3: '2' }), noRate)
  it.each(['gpt-9', 'llama3 ', 'llama3:8b', '', '*', 'llama', 'allama3'])('"%s"', (model) => {
    expect(pricing.priceOf(model)).toEqual({ is: 'unpriced' })
    expect(pricing.names(model)).toBe(false)
  })

  it('A10 a name in another case is another name', () => {
    expect(pricing.priceOf('LLAMA3')).toEqual({ is: 'unpriced' })
    expect(pricing.priceOf('llama3').is).toBe('priced')
  })

  it('but has the default price if there is one', () => {
    const open = makePricing(listOf('1', {}), noRate)
    expect(labelOf(open.priceOf('gpt-9'))).toBe('1 sat per 1,000 tokens')
    expect(open.names('gpt-9')).toBe(false)
  })
})

describe('prices in dollars', () => {
  it.each([
    // 0.5 / 90,000 × 10^11 = 555,555.5… msat per million tokens
    ['90000', 500_000n, 555_556n],
    ['100000', 1_000_000n, 1_000_000n],
    ['64123.455', 2_000_000n, 3_118_984n],
    ['1000000000', 1n, 1n],
    ['1', 100_000_000_000n, 10_000_000_000_000_000n],
    ['90000', 0n, 0n],
  ])('A14 at %s dollars a bitcoin, %s millionths are %s, rounded up', (rate, usd, expected) => {
    const { input } = inSats(dollars(usd, usd), usdPerBtc(rate))
    expect(input).toBe(expected)
  })

  it('the highest possible price is still an amount of money', () => {
    const rate = inSats(dollars(100_000_000_000n, 100_000_000_000n), usdPerBtc('1'))
    expect(() => charge(rate, { input: 0, cached: 0, output: 100_000_000 })).not.toThrow()
  })

  it('need a rate; prices in sats need none', () => {
    let asked = 0
    const none = () => {
      asked += 1
      return err('coinbase cannot be reached')
    }
    const list = listOf('1', { 'gpt-*': dollars(500_000n, 2_000_000n) })
    const pricing = makePricing(list, none)
    expect(pricing.priceOf('llama3').is).toBe('priced')
    expect(asked).toBe(0)
    expect(pricing.priceOf('gpt-oss')).toEqual({
      is: 'usd_unavailable',
      reason: 'coinbase cannot be reached',
    })
    expect(pricing.needsRate).toBe(true)
    expect(makePricing(listOf('1', {}), none).needsRate).toBe(false)
    const priced = makePricing(list, () => ok(usdPerBtc('90000'))).priceOf('gpt-oss')
    expect(priced).toMatchObject({ is: 'priced', price: { in: 'usd' } })
    expect(labelOf(priced)).toBe('$0.5 in, $2 out per million tokens')
  })
})
