import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { openaiChat } from '../../../src/dialects/openai/chat.ts'
import { openaiEmbeddings } from '../../../src/dialects/openai/embeddings.ts'
import type { Priced } from '../../../src/gate/call.ts'
import { PromptEstimate } from '../../../src/gate/estimate.ts'
import { Holds } from '../../../src/gate/hold.ts'
import { holdRefusal, PaymentRequired } from '../../../src/gate/payment-required.ts'
import type { Limit } from '../../../src/ledger/ledger.ts'
import { TokenCounter } from '../../../src/money/counter.ts'
import { PromptEstimator } from '../../../src/money/lessons.ts'
import { fromSat, msat } from '../../../src/money/msat.ts'
import type { Rate } from '../../../src/money/price.ts'
import { HEAD } from '../../support/dialects.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'
import { everySlot } from '../../support/slots.ts'
import { real } from '../../support/world.ts'

const counter = new TokenCounter()
afterAll(() => counter.close())

const world = real
/** How much is asked for needs no rail. */

const flat = (input: bigint, output = input, call = 0n): Rate => ({
  input: input,
  cached: input,
  output: output,
  call: call * 1_000_000n,
})

function priced(parts: {
  readonly rate: Rate
  readonly text: string
  readonly wanted: number
  readonly n?: number
  readonly embeddings?: boolean
}): Priced {
  const { rate, text, wanted, n = 1, embeddings = false } = parts
  const dialect = embeddings ? openaiEmbeddings : openaiChat
  const body = embeddings
    ? { model: 'm', input: text }
    : { model: 'm', n, messages: [{ role: 'user', content: text }] }
  const asked = dialect.read(Buffer.from(JSON.stringify(body)), HEAD)
  if (!asked.ok) throw new Error(asked.error.message)
  const incoming = null as unknown as Priced['incoming']
  return { incoming, asked: asked.value, at: 0, context: null, served: 'm', rate, wanted } as Priced
}

const satsFor = (step: Priced | null, min = 10, max = 1000): Promise<number> =>
  new PaymentRequired([], { min, max }).sats(
    step,
    step === null
      ? null
      : new PromptEstimate(step.asked, 'c', { estimator: new PromptEstimator(), counter }),
  )

describe('how many sats an offer asks for', () => {
  const sat = 1_000_000n
  it.each([
    { why: 'nothing is known of the request', step: null, sats: 10 },
    {
      why: 'a small request: the least invoice',
      step: priced({ rate: flat(sat), text: 'hi', wanted: 100 }),
      sats: 10,
    },
    {
      why: 'free output, cheap prompt',
      step: priced({ rate: flat(1n, 0n), text: 'hi', wanted: 9 }),
      sats: 10,
    },
    {
      why: 'a fee for each request is in it',
      step: priced({ rate: flat(0n, 0n, 77_000n), text: 'hi', wanted: 9 }),
      sats: 77,
    },
    {
      why: 'a dear answer is bounded by the most',
      step: priced({ rate: flat(sat, 1_000n * sat), text: 'hi', wanted: 50_000 }),
      sats: 1000,
    },
    {
      why: 'never less than what admits this very request',
      step: priced({ rate: flat(0n, sat, 5_000_000n), text: 'hi', wanted: 10 }),
      sats: 5001,
    },
  ])('$why: $sats', async ({ step, sats }) => {
    expect(await satsFor(step)).toBe(sats)
  })

  it('between the bounds it is the estimate, rounded up to a sat', async () => {
    const step = priced({ rate: flat(0n, 1_000_000n), text: 'hi', wanted: 123_456 })
    expect(await satsFor(step)).toBe(124)
  })

  it('a prompt that is dear to count is asked for by its bound, uncounted', async () => {
    const text = 'word '.repeat(50_000)
    const step = priced({ rate: flat(1_000_000n), text, wanted: 10 })
    expect(await satsFor(step)).toBe(Math.ceil((step.asked.most.input + 10) / 1000))
  })
})

describe('I8 paying_the_offer_admits_the_request', () => {
  const perMillion = fc.oneof(
    fc.bigInt(0n, 10n),
    fc.bigInt(0n, 50_000_000n),
    fc.bigInt(0n, 10_000_000_000n),
  )
  const rate = fc.record({
    input: perMillion,
    cached: perMillion,
    output: perMillion,
    call: fc.oneof(fc.constant(0n), fc.bigInt(0n, 3_000_000n)).map((msat) => msat * 1_000_000n),
  })
  const text = fc.oneof(
    fc.string({ maxLength: 200, unit: 'grapheme' }),
    fc.string({ maxLength: 20, unit: 'binary' }).map((one) => one.toWellFormed().repeat(60)),
    fc.lorem({ maxCount: 300 }),
  )
  const bounds = fc
    .tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 5_000 }))
    .map(([min, more]) => ({ min, max: min + more }))

  it('for any rate, prompt, limit and bounds, the offer’s sats on the account admit it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          rate,
          text,
          wanted: fc.integer({ min: 1, max: 40_000 }),
          n: fc.integer({ min: 1, max: 8 }),
          embeddings: fc.boolean(),
          bounds,
          learned: fc.option(fc.integer({ min: 1, max: 3_000 }), { nil: null }),
        }),
        async ({ bounds, learned, ...parts }) => {
          const step = priced({ ...parts, wanted: parts.embeddings ? 0 : parts.wanted })
          const estimator = new PromptEstimator()
          if (learned !== null) {
            const of = { model: 'm', dialect: 'openai-chat', account: 'b', plain: true }
            estimator.learn(of, { own: 20, bound: 100, reported: learned })
          }
          const sats = await new PaymentRequired([], bounds).sats(
            step,
            new PromptEstimate(step.asked, 'c', { estimator, counter }),
          )
          const { ledger } = openMemoryBooks('play')
          const native = { amount: `${sats}`, unit: 'sat', rate: '1000' }
          const credit = 'paid' as const
          const deposit = { payment: 'ln:1', account: 'a', credit, rail: 'l402', native, at: 0 }
          await ledger.deposit({ ...deposit, amount: fromSat(sats) })
          // The paid request is a new one: it is read and estimated anew.
          const again = new PromptEstimate(step.asked, 'c', { estimator, counter })
          const what = { model: 'm', dialect: 'openai-chat', pass: null }
          const taken = await new Holds(ledger, world, 600_000).take(
            {
              request: { id: 'h', account: 'a', limits: [], what },
              rate: step.rate,
              bound: step.asked.most,
              template: again.template(),
              inputEstimate: () => again.tokens(),
              least: step.asked.hasOutput ? step.asked.choices : 0,
              most: step.wanted * step.asked.choices,
            },
            everySlot,
            () => false,
          )
          expect(taken.ok).toBe(true)
        },
      ),
      { numRuns: 400 },
    )
  })
})

describe('what a refused hold becomes', () => {
  const limit = (unit: Limit['unit'], window: Limit['window']): Limit => ({
    meter: 'm',
    unit,
    window,
    max: 10n,
  })
  const now = Date.parse('2026-11-21T12:00:00Z')
  const reached = (unit: Limit['unit'], window: Limit['window'], resetsAt: number | null) =>
    holdRefusal({ why: 'limit_reached', limit: limit(unit, window), left: 3n, resetsAt }, now)

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
    expect(holdRefusal(refused, now)).toMatchObject({ status: 429, offer: null })
  })

  it('too little money: an offer is to be made', () => {
    const refused = { why: 'insufficient_funds', needed: msat(5n), balance: msat(1n) } as const
    expect(holdRefusal(refused, now)).toBe(null)
  })
})
