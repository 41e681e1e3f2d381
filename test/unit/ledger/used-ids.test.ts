import { describe, expect, it } from 'vitest'
import { UsedIds } from '../../../src/ledger/sqlite/used-ids.ts'

const id = (n: number): string => `id${n.toString().padStart(6, '0')}`

describe('the ids of holds that were used', () => {
  it('of a new ledger are none', () => {
    expect(new UsedIds('').lacks(id(0))).toBe(true)
  })

  it('may be any up to the greatest one on the disk', () => {
    const used = new UsedIds(id(5))
    expect([4, 5, 6].map((n) => used.lacks(id(n)))).toEqual([false, false, true])
  })

  it('leave out those that were overtaken', () => {
    const used = new UsedIds(id(5))
    used.add(id(9))
    expect([7, 8, 9, 10].map((n) => used.lacks(id(n)))).toEqual([true, true, false, true])
  })

  it('are never taken for unused, however many followed and in whichever order', () => {
    const used = new UsedIds('')
    const added = Array.from({ length: 30_000 }, (_, n) => id((n * 7_919) % 30_000))
    for (const [n, one] of added.entries()) {
      used.add(one)
      if (n % 1_000 > 0) continue
      expect(added.slice(0, n + 1).filter((before) => used.lacks(before))).toEqual([])
    }
    expect(used.lacks(id(30_000))).toBe(true)
  })
})
