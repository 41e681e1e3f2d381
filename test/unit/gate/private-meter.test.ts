import { describe, expect, it } from 'vitest'
import { openaiChat } from '../../../src/dialects/openai/chat.ts'
import { PrivateMeter } from '../../../src/gate/private-meter.ts'
import type { Quantities } from '../../../src/money/quantities.ts'
import { grant, mustRead } from '../../support/dialects.ts'

const ASKED = mustRead(openaiChat, { model: 'm', messages: [{ role: 'user', content: 'hi' }] })

/** What is charged if the dialect's meter counts this, and so much of the cache is the payer's own. */
function charged(quantities: Quantities, own: number): Quantities {
  const meter = openaiChat.meter(ASKED, grant(), 'other')
  const counted = { ...quantities, source: 'reported', reportedInput: null } as const
  Object.defineProperty(meter, 'usage', { value: () => counted })
  const { source: _, reportedInput: __, ...rest } = new PrivateMeter(meter, () => own).usage(7)
  return rest
}

describe('L21 what is charged for cached tokens', () => {
  it.each([
    ['all of them are the payer’s own', { input: 90, cached: 64 }, 64, { input: 90, cached: 64 }],
    ['some are', { input: 90, cached: 64 }, 10, { input: 90, cached: 10 }],
    ['none is', { input: 90, cached: 64 }, 0, { input: 90, cached: 0 }],
    ['there are none', { input: 90, cached: 0 }, 0, { input: 90, cached: 0 }],
    [
      'where writes are reported, those of others count as written',
      { input: 90, cached: 64, cacheWrite: 0 },
      10,
      { input: 90, cached: 10, cacheWrite: 54 },
    ],
    ['nothing was written', { input: 90, cached: 0, cacheWrite: 0 }, 0, { input: 90, cached: 0 }],
    ['a miss', { input: 90, cacheWrite: 64 }, 0, { input: 90, cacheWrite: 64 }],
  ] as const)('%s', (_, counted, own, expected) => {
    expect(charged(counted, own)).toEqual(expected)
  })
})
