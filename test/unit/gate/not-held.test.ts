import { describe, expect, it } from 'vitest'
import { holdRefusal } from '../../../src/gate/not-held.ts'
import type { Limit } from '../../../src/ledger/ledger.ts'
import { msat } from '../../../src/money/msat.ts'
import { Tiers } from '../../../src/money/tiers.ts'

describe('what a refused hold becomes', () => {
  const limit = (unit: Limit['unit'], window: Limit['window']): Limit => ({
    meter: 'm',
    unit,
    window,
    max: 10n,
  })
  const now = Date.parse('2026-11-21T12:00:00Z')
  const about = {
    now,
    beside: { x402Version: 1, accepts: [], credit_tiers: new Tiers([]).shown },
  } as const
  const reached = (unit: Limit['unit'], window: Limit['window'], resetsAt: number | null) =>
    holdRefusal({ why: 'limit_reached', limit: limit(unit, window), left: 3n, resetsAt }, about)

  it.each([
    { unit: 'calls', window: 'day', status: 429 },
    { unit: 'tokens', window: 'min', status: 429 },
    { unit: 'spend', window: 'month', status: 429 },
  ] as const)('a limit of $unit per $window: $status with its reset', (row) => {
    const refusal = reached(row.unit, row.window, now + 90_500)
    expect(refusal).toMatchObject({
      status: 429,
      offer: null,
      retryAfterSeconds: 91,
      extra: { resets_at: '2026-11-21T12:01:30.500Z' },
    })
  })

  it.each([
    { unit: 'calls', status: 403 },
    { unit: 'tokens', status: 403 },
    { unit: 'spend', status: 402 },
  ] as const)('a limit of $unit in total: $status without an offer', ({ unit, status }) => {
    expect(reached(unit, 'total', null)).toMatchObject({ status, offer: null })
  })

  it.each([
    [
      'spend',
      'day',
      'This pass has 0.003 sat left of its limit per day, and this request may need more. It resets at 2026-11-21T12:01:30.500Z.',
    ],
    ['tokens', 'total', 'This pass has 3 tokens left in total, and this request may need more.'],
    ['calls', 'total', 'This pass has 3 calls left in total, and this request may need more.'],
    [
      'spend',
      'total',
      'Insufficient credits: this pass has 0.003 sat left in total, and this request may need more.',
    ],
    [
      'spend',
      'req',
      'Insufficient credits: this pass allows 0.003 sat for each request, and this one may need more. Send a shorter prompt, or use a pass that allows more.',
    ],
    [
      'tokens',
      'req',
      'This pass allows 3 tokens for each request, and this one may need more. Send a shorter prompt, or use a pass that allows more.',
    ],
  ] as const)('a limit of %s per %s says what is left, in one sentence', (unit, window, said) => {
    const resets = window === 'day' ? now + 90_500 : null
    expect(reached(unit, window, resets)?.message).toBe(said)
  })

  it('money held by one’s own requests: 429, never a second invoice', () => {
    const refused = { why: 'held', needed: msat(5n), available: msat(1n) } as const
    expect(holdRefusal(refused, about)).toMatchObject({ status: 429, offer: null })
  })

  it('too little money: an offer is to be made', () => {
    const refused = { why: 'insufficient_funds', needed: msat(5n), balance: msat(1n) } as const
    expect(holdRefusal(refused, about)).toBe(null)
  })
})
