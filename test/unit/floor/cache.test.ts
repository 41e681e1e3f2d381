import { expect, it } from 'vitest'
import { Cache } from '../../../src/floor/cache.ts'

it('a cache keeps what was used lately, in at most two generations', () => {
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

it('only the last value of a key counts', () => {
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

it('C2 a burst does not push out values that are in use', () => {
  const cache = new Cache<number>(10)
  cache.set('hot', 1)
  for (let burst = 0; burst < 1000; burst += 1) {
    cache.set(`cold ${burst}`, burst)
    if (burst % 5 === 0) expect(cache.get('hot')).toBe(1)
  }
  expect(cache.get('cold 0')).toBeUndefined()
  expect(cache.get('cold 999')).toBe(999)
})

it('is bounded, also when all of it is in use', () => {
  for (const generation of [1, 2, 10]) {
    const cache = new Cache<number>(generation)
    for (let key = 0; key < 50; key += 1) {
      cache.set(String(key), key)
      for (let any = 0; any <= key; any += 1) cache.get(String(any))
      cache.set(String(key), key)
      expect([...cache.values()].length).toBeLessThanOrEqual(2 * generation)
      expect(cache.get(String(key))).toBe(key)
    }
  }
})

it('needs room for at least one value', () => {
  expect(() => new Cache(0)).toThrow('not a size')
})
