import { describe, expect, it } from 'vitest'
import { type ImagePrice, imagePriceOf, isLarge } from '../../../src/money/image-prices.ts'

const entry = (size: string, quality: string | null, each: bigint): ImagePrice => ({
  ...{ size, quality, each },
})
const TABLE = [
  entry('1024x1024', null, 40n),
  entry('1024x1024', 'hd', 80n),
  entry('1792x1024', null, 70n),
  entry('256x256', 'low', 5n),
]

describe('L19 the price of an image is its entry, and the dearest one that it can mean', () => {
  it.each([
    ['1024x1024', 'standard', '1024x1024', 'standard', 40n],
    ['1024x1024', 'hd', '1024x1024', 'hd', 80n],
    ['1024x1024', null, '1024x1024', 'hd', 80n],
    ['1792x1024', null, '1792x1024', null, 70n],
    ['1792x1024', 'hd', '1792x1024', 'hd', 70n],
    [null, 'low', '1792x1024', 'low', 70n],
    [null, 'hd', '1024x1024', 'hd', 80n],
    [null, null, '1024x1024', 'hd', 80n],
    ['256x256', 'low', '256x256', 'low', 5n],
    ['256x256', null, '256x256', 'low', 5n],
  ])('%s in %s is sent as %s in %s', (size, quality, sentSize, sentQuality, each) => {
    const found = imagePriceOf(TABLE, { size, quality })
    expect(found).toEqual({ size: sentSize, quality: sentQuality, each })
    expect(imagePriceOf([...TABLE].reverse(), { size, quality })).toEqual(found)
  })

  it.each([
    ['2048x2048', null],
    ['2048x2048', 'hd'],
    ['256x256', 'high'],
  ])('A12 %s in %s has no entry and no price', (size, quality) => {
    expect(imagePriceOf(TABLE, { size, quality })).toBeNull()
  })

  it.each([
    ['2048x2048', false],
    ['4096x1024', false],
    ['2049x2048', true],
    ['4097x256', true],
    ['99999x99999', true],
  ])('A15 one price for all sizes sells %s: larger is %s', (size, large) => {
    expect(isLarge(size)).toBe(large)
  })
})
