import { describe, expect, it } from 'vitest'
import { type Gap, GatheredOut } from '../../../src/cli/gathered-out.ts'
import { TestWorld } from '../../support/world.ts'

/** A reader that takes what was written when it is told to. */
function reader() {
  const world = new TestWorld()
  const writes: string[] = []
  let pending: ((all: boolean) => void) | null = null
  const gaps: Gap[] = []
  const out = new GatheredOut(
    {
      write: (text, taken) => {
        writes.push(text)
        pending = taken ?? null
      },
      terminal: false,
      colour: false,
      columns: () => null,
    },
    world,
    (gap) => {
      gaps.push(gap)
      out.write(`gap of ${gap.lines}\n`)
    },
  )
  const take = (all = true) => {
    const taken = pending
    pending = null
    taken?.(all)
  }
  const takeAll = () => {
    while (pending !== null) take()
  }
  return { world, writes, gaps, out, take, takeAll }
}

const LINE = `${'x'.repeat(1_023)}\n`

describe('lines that may wait', () => {
  it('leave in one write after 10 ms', () => {
    const { world, writes, out } = reader()
    for (const line of ['a\n', 'b\n', 'c\n']) out.soon(line)
    expect(writes).toEqual([])
    world.skip(10)
    expect(writes).toEqual(['a\nb\nc\n'])
  })

  it('leave in front of a line that may not', () => {
    const { writes, out } = reader()
    out.soon('a\n')
    out.write('b\n')
    expect(writes).toEqual(['a\nb\n'])
  })

  it('are handed over at the last moment', () => {
    const { writes, out } = reader()
    out.write('a\n')
    out.soon('b\n')
    out.flush()
    out.flush()
    expect(writes).toEqual(['a\n', 'b\n'])
  })
})

describe('a reader that is slow', () => {
  it('gets everything in order, in pieces of 64 KB', () => {
    const { writes, out, takeAll } = reader()
    const lines = Array.from({ length: 1_000 }, (_, n) => `${n} ${LINE}`)
    for (const line of lines) out.write(line)
    expect(writes).toHaveLength(1)
    takeAll()
    expect(writes.join('')).toBe(lines.join(''))
    expect(Math.max(...writes.map(({ length }) => length))).toBeLessThanOrEqual(65_536)
  })

  it('is waited for at the end, and not for ever', async () => {
    const { world, out, take } = reader()
    expect(await out.drained(100)).toBe(true)
    out.write('a\n')
    const late = out.drained(100)
    world.skip(100)
    expect(await late).toBe(false)
    const drained = out.drained(100)
    take()
    expect(await drained).toBe(true)
  })
})

describe('a reader that stops', () => {
  it('makes 4 MB of lines wait and costs the further ones, which are counted in their place', () => {
    const { world, writes, gaps, out, takeAll } = reader()
    const before = world.now()
    for (let n = 0; n < 5_000; n += 1) out.soon(LINE)
    out.write(LINE)
    expect(out.dropped).toBe(5_001 - 4_096)
    expect(writes.map(({ length }) => length)).toEqual([65_536])
    takeAll()
    expect(gaps).toMatchObject([{ lines: 5_001 - 4_096 }])
    expect(gaps[0]?.since).toBeGreaterThanOrEqual(before)
    expect(writes.join('')).toBe(`${LINE.repeat(4_096)}gap of ${5_001 - 4_096}\n`)
    out.write('after\n')
    takeAll()
    expect(writes.at(-1)).toBe('after\n')
    expect(out.dropped).toBe(5_001 - 4_096)
  })
})

describe('a write that fails', () => {
  it('costs its lines, is not tried again, and is told when the next one works', () => {
    const { writes, gaps, out, take, takeAll } = reader()
    out.write('a\n')
    take(false)
    expect([out.dropped, gaps.length]).toEqual([1, 0])
    out.write('b\n')
    takeAll()
    expect(writes).toEqual(['a\n', 'b\n', 'gap of 1\n'])
  })
})
