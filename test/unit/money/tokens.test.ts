import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countTokens } from '../../../src/money/tokens.ts'

describe('countTokens', () => {
  it.each([
    ['', 0],
    ['hello', 1],
    ['What is a license?', 5],
    ['The quick brown fox jumps over the lazy dog.', 10],
    ['漢字', 2],
  ])('%j is %i', (text, tokens) => {
    expect(countTokens(text)).toBe(tokens)
  })

  it('takes special tokens for text', () => {
    expect(countTokens('<|endoftext|><|im_start|>')).toBeGreaterThan(4)
  })

  it('counts a long text in pieces nearly as a whole', () => {
    const words = 'The quick brown fox jumps over the lazy dog. '
    const one = countTokens(words)
    for (const times of [20, 200, 2_000, 20_000]) {
      const ratio = countTokens(words.repeat(times)) / (one * times)
      expect(ratio).toBeGreaterThan(0.85)
      expect(ratio).toBeLessThan(1.15)
    }
  })

  it('never throws, and never counts more tokens than UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3_000 }), (text) => {
        const tokens = countTokens(text)
        expect(Number.isSafeInteger(tokens)).toBe(true)
        expect(tokens).toBeLessThanOrEqual(Buffer.byteLength(text))
      }),
    )
  })
})
