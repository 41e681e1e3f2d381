import { describe, expect, it } from 'vitest'
import { ok } from '../../../src/floor/result.ts'
import { describePrice } from '../../../src/money/parse.ts'
import { at, ceilingPrice, charge, sells } from '../../../src/money/price.ts'
import { makePricing } from '../../../src/money/pricing.ts'
import type { Quantities, Quantity } from '../../../src/money/quantities.ts'
import { loaded, mistakes } from './world.ts'

const USD_PER_BTC = 10_000_000_000_000n

const pricedBy = (yaml: string) => {
  const { list } = loaded({ yaml: `pricing: { models: { m: ${yaml} } }` }).config.pricing
  const found = makePricing(list, () => ok(USD_PER_BTC)).priceOf('m')
  if (found.is !== 'priced') throw new Error(found.is)
  return found
}

const HOUR = 3_600
const BOOK = 1_000_000

describe('L19 what is not a token has its price in sats for one, exact to the msat', () => {
  it.each<[string, Quantities, bigint, string]>([
    ['{ image: 40 }', { image: 3 }, 120_000n, '40 sat per image'],
    ['{ image: 0.001 }', { image: 1 }, 1n, '0.001 sat per image'],
    ['{ second: 0.1 }', { second: HOUR }, 360_000n, '0.1 sat per second'],
    ['{ second: 0.0001 }', { second: 1 }, 1n, '0.0001 sat per second'],
    ['{ character: 0.02 }', { character: 4_096 }, 81_920n, '0.02 sat per character'],
    ['{ byte: 0.000001 }', { byte: BOOK }, 1_000n, '0.000001 sat per byte'],
    ['{ byte: 0.000000001 }', { byte: 1 }, 1n, '0.000000001 sat per byte'],
    ['{ request: 5 }', {}, 5_000n, '5 sat per request'],
    ['{ image: 40, request: 5 }', { image: 1 }, 45_000n, '40 sat per image and 5 sat per request'],
    ['{ input: 1, output: 3, image: 40 }', { input: 10, output: 10, image: 1 }, 40_040n, ''],
    [
      '{ usdPerMillion: { input: 0.5, output: 2 }, image: 40 }',
      ...([{ input: 1_000, image: 1 }, 40_500n, ''] as const),
    ],
  ])('%s for %j is %s msat', (yaml, quantities, msat, words) => {
    const { price, rate } = pricedBy(yaml)
    expect(charge(rate, quantities)).toBe(msat)
    expect(at(ceilingPrice(rate, quantities, 'output'), 0)).toBe(msat)
    expect(describePrice(price)).toContain(words)
  })

  it('a table of images is held and shown at its dearest entry', () => {
    const { price, rate } = pricedBy('{ image: { "1024x1024": 40, "1024x1024/hd": 80 } }')
    expect(charge(rate, { image: 1 })).toBe(80_000n)
    expect(describePrice(price)).toBe('up to 80 sat per image')
    expect(price.images).toHaveLength(2)
  })
})

describe('A12 a price sells what it names, and nothing else', () => {
  const IMAGES: readonly Quantity[] = ['image']
  const SPEECH: readonly Quantity[] = ['second', 'character', 'byte']
  const TOKENS: readonly Quantity[] = ['input', 'output']
  it.each<[string, string]>([
    ['{ image: 40 }', 'images'],
    ['{ second: 0.1 }', 'speech'],
    ['{ byte: 0.1, image: 1 }', 'images speech'],
    ['1', 'tokens'],
    ['{ input: 1, output: 3, request: 0.1 }', 'tokens'],
    ['{ input: 1, output: 3, image: 40 }', 'images tokens'],
    ['{ input: 0, output: 0, request: 5 }', 'images speech tokens'],
    ['{ request: 5 }', 'images speech'],
    ['free', 'images speech tokens'],
  ])('%s sells %s', (yaml, sold) => {
    const { rate } = pricedBy(yaml)
    const all = { images: IMAGES, speech: SPEECH, tokens: TOKENS }
    const found = Object.entries(all).filter(([, quantities]) => sells(rate, quantities))
    expect(found.map(([name]) => name).join(' ')).toBe(sold)
  })
})

describe('mistakes in a price say what is right', () => {
  it.each([
    ['{ images: 40 }', 'did you mean image?'],
    ['{ minute: 6 }', 'write second, with a sixtieth of the price of a minute'],
    ['{ megabyte: 6 }', 'write byte, with a millionth'],
    ['{ image: {} }', 'image takes sats for each image, or a table'],
    ['{ image: { hd: 40 } }', '"hd" is no size and quality'],
    ['{ image: { 1024x1024/: 40 } }', 'is no size and quality'],
    ['{ image: { 1024x1024: x } }', 'not a plain decimal number'],
    ['{ image: 0.0001 }', 'is too fine: at most 3 decimals'],
    ['{ second: 0.0000000001 }', 'is too fine: at most 9 decimals'],
    ['{ image: 40, input: 1 }', 'output is missing: a price of tokens needs input and output'],
    ['{ usdPerMillion: { input: 1, image: 4 } }', 'a price has no "image"'],
  ])('%s', (yaml, said) => {
    expect(mistakes({ yaml: `pricing: { models: { m: ${yaml} } }` }).join('\n')).toContain(said)
  })
})
