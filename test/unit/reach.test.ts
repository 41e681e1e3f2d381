import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/**
 * Property tests must draw long values too. `test/setup.ts` makes sure that the bounds of
 * arbitraries are reached.
 */
const middle = (lengths: readonly number[]) =>
  lengths.toSorted((a, b) => a - b)[lengths.length >> 1]

describe('what property tests draw', () => {
  it.each([
    ['lists', fc.array(fc.nat(), { maxLength: 200 }), 200],
    ['texts', fc.string({ unit: 'binary', maxLength: 200 }), 200],
    ['bytes', fc.uint8Array({ maxLength: 200 }), 200],
    ['lists of lists', fc.array(fc.array(fc.nat(), { maxLength: 3 }), { maxLength: 60 }), 60],
  ] as const)('%s come near their bound, and are long as a rule', (_, drawn, most) => {
    const lengths = fc.sample<{ length: number }>(drawn, 100).map(({ length }) => length)
    expect(Math.max(...lengths)).toBeGreaterThan(most * 0.8)
    expect(middle(lengths)).toBeGreaterThan(most * 0.25)
  })
})
