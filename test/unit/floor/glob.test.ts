import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { globMatches } from '../../../src/floor/glob.ts'

describe('globs', () => {
  it.each([
    ['llama*', 'llama3', true],
    ['llama*', 'llama', true],
    ['llama*', 'my-llama', false],
    ['*', '', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*a*b*', 'xxaxxbxx', true],
    ['*a*b*', 'xxbxxaxx', false],
    ['*ab', 'aab', true],
    ['a**b', 'ab', true],
    ['a.c', 'abc', false],
    ['[a]?', 'a', false],
    ['', 'a', false],
  ])('%s against %s is %s', (pattern, text, matches) => {
    expect(globMatches(pattern, text)).toBe(matches)
  })

  it('agree with the regular expression that they stand for', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
    const plain = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 })
    fc.assert(
      fc.property(letters, plain, (pattern, text) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`)
        expect(globMatches(pattern, text)).toBe(expression.test(text))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('a pattern of a price', () => {
  it.each([
    ['a*', 'a', true],
    ['*', '', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*bc*c', 'abc', false],
    ['a*b', 'a/x/b', true],
    ['a.c', 'abc', false],
    ['a?', 'ab', false],
    ['**', 'x', true],
    ['a', 'a', true],
  ])('%s over "%s": %s', (pattern, model, fits) => {
    expect(globMatches(pattern, model)).toBe(fits)
  })

  it('never backtracks: this would not end', () => {
    expect(globMatches(`${'*a'.repeat(100)}*b`, 'a'.repeat(100_000))).toBe(false)
  })
})
