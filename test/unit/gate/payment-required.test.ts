import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { openaiChat } from '../../../src/dialects/openai/chat.ts'
import { openaiEmbeddings } from '../../../src/dialects/openai/embeddings.ts'
import { ok } from '../../../src/floor/result.ts'
import type { Priced } from '../../../src/gate/call.ts'
import { PromptEstimate } from '../../../src/gate/estimate.ts'
import { Holds } from '../../../src/gate/hold.ts'
import { PaymentRequired } from '../../../src/gate/payment-required.ts'
import { TokenCounter } from '../../../src/money/counter.ts'
import { PromptEstimator } from '../../../src/money/lessons.ts'
import { fromSat } from '../../../src/money/msat.ts'
import type { Rate } from '../../../src/money/price.ts'
import { Tiers } from '../../../src/money/tiers.ts'
import type { Offer, Rail } from '../../../src/rails/rail.ts'
import { HEAD } from '../../support/dialects.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'
import { everySlot } from '../../support/slots.ts'
import { real } from '../../support/world.ts'

const WHOSE = { model: 'm', client: 'c' }

const counter = new TokenCounter()
afterAll(() => counter.close())

const world = real
/** The amount of an offer does not depend on a rail. */

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

const satsFor = async (step: Priced | null, min = 10, max = 1000): Promise<number> =>
  new PaymentRequired([], { min, max }, new Tiers([])).sats(
    step,
    step === null
      ? null
      : new PromptEstimate(step.asked, WHOSE, { estimator: new PromptEstimator(), counter }),
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

  it('within the bounds it is the estimate, rounded up to a sat', async () => {
    const step = priced({ rate: flat(0n, 1_000_000n), text: 'hi', wanted: 123_456 })
    expect(await satsFor(step)).toBe(124)
  })

  it('for a prompt that is slow to count it is the bound, uncounted', async () => {
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

  it('for any rate, prompt, limit and bounds, the sats of the offer on the account admit the request', async () => {
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
          const sats = await new PaymentRequired([], bounds, new Tiers([])).sats(
            step,
            new PromptEstimate(step.asked, WHOSE, { estimator, counter }),
          )
          const { ledger } = openMemoryBooks('play')
          const native = { amount: `${sats}`, unit: 'sat', rate: '1000' }
          const credit = 'paid' as const
          const deposit = { payment: 'ln:1', account: 'a', credit, rail: 'l402', native, at: 0 }
          await ledger.deposit({ ...deposit, amount: fromSat(sats) })
          // The paid request is a new one. It is read and estimated again.
          const again = new PromptEstimate(step.asked, WHOSE, { estimator, counter })
          const what = { model: 'm', dialect: 'openai-chat', pass: null }
          const taken = await new Holds(ledger, world, 600_000).take(
            {
              request: { id: 'h', account: 'a', limits: [], what },
              rate: step.rate,
              bound: step.asked.most,
              template: again.template(),
              dollars: null,
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

describe('402s with copies of one shared invoice', () => {
  const invoice = {}
  const copy = (own: string, of: object = invoice): Offer => ({
    ...{ challenges: [`L402 macaroon="${own}"`], headers: {}, accepts: [] },
    ...{ say: 'Pay.', howToPay: 'So.' },
    body: { l402: { macaroon: own, invoice: of === invoice ? 'lnbc1' : 'lnbc2' }, amount_sats: 10 },
    copy: { of, own },
  })
  const offers = (...list: readonly Offer[]) => {
    const left = [...list]
    const rail = { offer: () => ok(left.shift() as Offer) } as unknown as Rail
    const gate = new PaymentRequired([rail], { min: 10, max: 1_000 }, new Tiers([]))
    return async (origin = 'https://a') => {
      const who = { client: 'c', site: 's', rail: null, acceptPayment: null, maxCost: null }
      const from = { origin, path: '/', ...who, body: new Uint8Array() }
      const incoming = from as unknown as Priced['incoming']
      const denied = { payer: null, reason: 'Because.', state: 'none', unpaid: null } as const
      const about = { sat: 10, least: 10, ...denied }
      return (await gate.offer(incoming, about)).offer?.beside
    }
  }

  it('each has its own macaroon, and all else is what it would be by itself', async () => {
    const other = {}
    const list = [copy('aa+/='), copy('bb+/='), copy('cc+/=', other), copy('dd+/=')]
    const next = offers(...list)
    for (const one of list) {
      const alone = { ...one, copy: undefined }
      expect(await next()).toBe(await offers(alone)())
    }
  })

  it('each has the address by which its client came', async () => {
    const next = offers(copy('aa+/='), copy('bb+/='), copy('cc+/='))
    expect(await next('https://a')).toContain('https://a/llms.txt')
    expect(await next('https://b')).toContain('https://b/llms.txt')
    expect(await next('https://b')).toContain('"macaroon":"cc+/="')
  })
})

it('whatever rail comes first, its words begin a sentence, and those of the others are alternatives', async () => {
  const rail = (name: string) => ({
    name,
    offer: () =>
      ok({ challenges: [], headers: {}, accepts: [], body: {}, howToPay: '', say: `Or ${name}.` }),
  })
  const rails = [rail('pay by one'), rail('pay by two')] as unknown as Rail[]
  const gate = new PaymentRequired(rails, { min: 10, max: 1_000 }, new Tiers([]))
  const who = { client: 'c', site: 's', rail: null, acceptPayment: null, maxCost: null }
  const from = { origin: 'https://a', path: '/', ...who, body: new Uint8Array() }
  const denied = { payer: null, reason: 'Because.', state: 'none', unpaid: null } as const
  const about = { sat: 10, least: 10, ...denied }
  const { message } = await gate.offer(from as unknown as Priced['incoming'], about)
  expect(message).toBe('Because. Pay by one. Or pay by two. How: https://a/llms.txt')
})
