import { describe, expect, it } from 'vitest'
import { legible } from '../../../src/web/legible.ts'

const grown = (text: string, size: number): string => {
  let drawn = ''
  for (let at = 0; at < text.length; at += size) drawn += legible(drawn, text.slice(at, at + size))
  return drawn
}

describe('what is drawn of a text', () => {
  it('J22 contains no control character but line feeds and tabs', () => {
    expect(grown('a\u001b[201~\r\n\tb\u0007\u009b31m\u0000\u007f', 3)).toBe('a[201~\n\tb31m')
  })

  it('has few marks on a letter, in whatever pieces they arrive', () => {
    const hostile = `a${'\u0301'.repeat(5_000)}b\u0301`
    for (const size of [1, 7, 100, 10_000]) {
      expect(grown(hostile, size)).toBe(`a${'\u0301'.repeat(16)}b\u0301`)
    }
  })

  it.each([
    'Z\u0335\u0321\u0352a\u0334\u0301',
    'หนึ่ง สอง',
    'हिन्दी में',
    'שָׁלוֹם',
    '👩‍👩‍👧 ❤️',
    'tiếng Việt',
  ])('does not change %s', (text) => {
    for (const size of [1, 100]) expect(grown(text, size)).toBe(text)
  })
})
