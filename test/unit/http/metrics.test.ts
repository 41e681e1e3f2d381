import { describe, expect, it } from 'vitest'
import { byModel } from '../../../src/http/metrics.ts'

describe('earnings in metrics', () => {
  it('are added up by model', () => {
    const rows = [
      { model: 'a', earned: 1n },
      { model: 'b', earned: 2n },
      { model: 'a', earned: 3n },
    ]
    expect([...byModel(rows)]).toEqual([
      ['a', 4n],
      ['b', 2n],
    ])
  })

  it('have a bounded number of series, however many names buyers invent', () => {
    const rows = Array.from({ length: 2_000 }, (_, at) => ({
      model: `llama-${at}`,
      earned: BigInt(at),
    }))
    const sums = byModel(rows)
    expect(sums.size).toBe(501)
    expect(sums.get('llama-1999')).toBe(1_999n)
    const all = rows.reduce((sum, { earned }) => sum + earned, 0n)
    expect([...sums.values()].reduce((sum, earned) => sum + earned, 0n)).toBe(all)
    expect(sums.get('(others)')).toBe((1_499n * 1_500n) / 2n)
  })
})
