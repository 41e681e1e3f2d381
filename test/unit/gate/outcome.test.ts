import { describe, expect, it } from 'vitest'
import { type Ended, type Outcome, outcome } from '../../../src/gate/outcome.ts'
import { msat } from '../../../src/money/msat.ts'
import type { Rate } from '../../../src/money/price.ts'

/** 1 sat per 1,000 tokens for input and output, so a token costs one msat. */
const RATE: Rate = {
  input: 1_000_000n,
  cached: 1_000_000n,
  output: 1_000_000n,
}
const HOLD = msat(100n)

/** The prompt has 10 tokens and the answer 20. Both are 0 if nothing is known. */
const USAGE = {
  reported: { source: 'reported', quantities: { input: 10, cached: 0, output: 20 } },
  counted: { source: 'counted', quantities: { input: 10, cached: 0, output: 20 } },
  none: { source: 'none', quantities: { input: 0, cached: 0, output: 0 } },
} as const

const ended = (parts: Partial<Ended>): Ended => ({
  end: 'complete',
  streamed: true,
  flowed: true,
  sent: true,
  ...USAGE.reported,
  rate: RATE,
  hold: HOLD,
  onUpstreamFailure: 'used',
  ...parts,
})

const SOURCES = ['reported', 'counted', 'none'] as const
const BOTH = [true, false]
const BILLING = ['used', 'release'] as const

/** What one row of the table charges, in msat. Null gives everything back. */
type Taken = number | null
const takenOf = (verdict: Outcome): Taken =>
  verdict.do === 'release' ? null : Number(verdict.amount)

interface Row {
  readonly end: Ended['end']
  readonly source: (typeof SOURCES)[number]
  readonly flowed: boolean
  readonly streamed: boolean
  readonly billing: (typeof BILLING)[number]
}

const ENDS = [
  'complete',
  'cut',
  'client_left',
  'outgrown',
  'upstream_failed',
  'stalled',
  'stopped',
] as const
const EVERY: Row[] = ENDS.flatMap((end) =>
  SOURCES.flatMap((source) =>
    BOTH.flatMap((flowed) =>
      BOTH.flatMap((streamed) =>
        BILLING.map((billing) => ({ end, source, flowed, streamed, billing })),
      ),
    ),
  ),
)

/** The table of `docs/failure.md`, one line for each row. */
function expected({ end, source, flowed, streamed, billing }: Row): Taken {
  const used = source === 'none' ? 0 : 30
  switch (end) {
    case 'complete':
      return source === 'none' && !flowed ? null : used
    case 'cut':
      return used
    case 'client_left':
      return streamed ? used : Number(HOLD)
    case 'outgrown':
      return Number(HOLD)
    case 'upstream_failed':
    case 'stalled':
      return flowed && billing === 'used' ? used : null
    case 'stopped':
      return null
  }
}

describe('who pays, by how a response ended', () => {
  it.each(EVERY)(
    '$end, usage $source, flowed $flowed, streamed $streamed, failure $billing',
    ({ end, source, flowed, streamed, billing }) => {
      const verdict = outcome(
        ended({ end, flowed, streamed, ...USAGE[source], onUpstreamFailure: billing }),
      )
      expect(takenOf(verdict)).toBe(expected({ end, source, flowed, streamed, billing }))
    },
  )

  it('covers every row of the table', () => {
    expect(EVERY).toHaveLength(7 * 3 * 2 * 2 * 2)
  })

  it.each(BOTH)(
    'nothing was sent upstream: a buyer who left pays nothing (streamed %s)',
    (streamed) => {
      expect(takenOf(outcome(ended({ end: 'client_left', sent: false, streamed })))).toBe(null)
    },
  )

  it('A5 a reported zero is free if nothing flowed', () => {
    const nothing = { source: 'reported', quantities: USAGE.none.quantities } as const
    expect(takenOf(outcome(ended({ flowed: false, ...nothing })))).toBe(0)
  })

  it('a price for the call is charged for an answer without output', () => {
    const rate = { ...RATE, call: 7_000_000n }
    expect(takenOf(outcome(ended({ flowed: false, ...USAGE.none, rate })))).toBe(7)
  })

  it('our own count is never above the hold; a report may be', () => {
    const much = { input: 10, cached: 0, output: 500 }
    const counted = outcome(ended({ source: 'counted', quantities: much }))
    const reported = outcome(ended({ source: 'reported', quantities: much }))
    expect([takenOf(counted), takenOf(reported)]).toEqual([100, 510])
  })

  it('tells which figures were used, and the tokens', () => {
    expect(outcome(ended({}))).toEqual({
      do: 'settle',
      amount: 30n,
      quantities: { input: 10, cached: 0, output: 20 },
      usage: 'reported',
    })
    expect(outcome(ended({ ...USAGE.counted }))).toMatchObject({ usage: 'counted' })
    expect(outcome(ended({ end: 'client_left', streamed: false }))).toMatchObject({
      usage: 'counted',
    })
  })
})
