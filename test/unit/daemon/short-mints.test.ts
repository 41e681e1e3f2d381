import { describe, expect, it } from 'vitest'
import { ShortMints } from '../../../src/daemon/short-mints.ts'

const MINT = 'https://a.example'

/** A mint that holds so much at each look, and what is owed then. */
async function said(looks: readonly (readonly [holds: number, owed: number])[]) {
  const events: object[] = []
  let now = looks[0] ?? [0, 0]
  const short = new ShortMints({
    mints: [MINT],
    store: {
      holdings: () => [
        { mint: MINT, free: Math.max(0, now[0] - 1), held: Math.min(1, now[0]), proofs: 1 },
      ],
    },
    owed: async () => ({ total: now[1], at: () => now[1] }),
    say: (event) => void events.push(event),
  })
  for (const look of looks) {
    now = look
    await short.look()
  }
  return events
}

const problem = { event: 'problem', what: 'mint_short', mint: MINT, holds_sat: 90, owed_sat: 100 }
const solved = { event: 'solved', what: 'mint_short', mint: MINT }

describe('L9 a mint that holds less than buyers who came in by it are owed', () => {
  it.each([
    [
      'is no problem as long as it holds enough',
      [
        [100, 100],
        [100, 100],
      ],
      [],
    ],
    [
      'is said once',
      [
        [90, 100],
        [90, 100],
        [90, 100],
      ],
      [problem],
    ],
    [
      'not for a moment, while a withdrawal is being closed',
      [
        [90, 100],
        [100, 100],
        [90, 100],
      ],
      [],
    ],
    [
      'is said to be over',
      [
        [90, 100],
        [90, 100],
        [100, 100],
      ],
      [problem, solved],
    ],
    [
      'is said again when it comes again',
      [
        [90, 100],
        [90, 100],
        [9, 0],
        [90, 100],
        [90, 100],
      ],
      [problem, solved, problem],
    ],
  ] as const)('%s', async (_, looks, events) => {
    expect(await said(looks)).toEqual(events)
  })
})
