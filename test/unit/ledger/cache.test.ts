import { expect, it } from 'vitest'
import { Cache } from '../../../src/ledger/cache.ts'

it('a cache keeps what was used lately, and never more than two generations', () => {
  const cache = new Cache<number>(3)
  for (let i = 0; i < 100; i++) {
    cache.set(`k${i}`, i)
    cache.set('kept', i)
    expect(cache.get('kept')).toBe(i)
    expect([...cache.values()].length).toBeLessThanOrEqual(6)
  }
  expect([cache.get('k99'), cache.get('k0'), cache.get('never')]).toEqual([
    99,
    undefined,
    undefined,
  ])
})

it('the last value of a key is its only one', () => {
  const cache = new Cache<number>(2)
  for (const [key, value] of [
    ['a', 1],
    ['b', 1],
    ['c', 1],
    ['a', 2],
    ['d', 1],
  ] as const) {
    cache.set(key, value)
  }
  expect(cache.get('a')).toBe(2)
  expect([...cache.values()].sort()).toEqual([1, 1, 2])
})
