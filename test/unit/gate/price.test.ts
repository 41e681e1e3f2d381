import { beforeEach, describe, expect, it } from 'vitest'
import { openaiChat } from '../../../src/dialects/openai/chat.ts'
import { openaiCompletions } from '../../../src/dialects/openai/completions.ts'
import { openaiEmbeddings } from '../../../src/dialects/openai/embeddings.ts'
import type { Parsed } from '../../../src/gate/call.ts'
import type { Catalog } from '../../../src/gate/catalog.ts'
import { PromptEstimate } from '../../../src/gate/estimate.ts'
import { fitted, price } from '../../../src/gate/price.ts'
import type { Speeds } from '../../../src/gate/speeds.ts'
import type { TokenCounter } from '../../../src/money/counter.ts'
import { PromptEstimator } from '../../../src/money/lessons.ts'
import type { Pricing } from '../../../src/money/pricing.ts'
import { measure } from '../../../src/money/tokens.ts'
import { mustRead } from '../../support/dialects.ts'

const WHOSE = { model: 'm', client: 'c' }

const rate = {
  input: 1n,
  cached: 1n,
  output: 1n,
}
const pricing = {
  names: () => true,
  priceOf: () => ({ is: 'priced', rate }),
} as unknown as Pricing
const models = (context: number | null): Catalog => ({
  knows: async () => true,
  contextOf: () => context,
  reached: (model) => [{ names: [model], fold: (text) => text }],
  listedAs: (model) => model,
  kind: () => 'other',
  some: () => [],
})

async function priced(dialect: typeof openaiChat, request: object, context: number | null) {
  const asked = mustRead(dialect, request)
  const route = { dialect, price: { by: 'model' } }
  const step = { route, asked, at: 0, incoming: { client: 'c' } } as unknown as Parsed
  const bounds = { usual: 2_048, most: 32_768 }
  const speeds = { most: () => Number.POSITIVE_INFINITY } as unknown as Speeds
  const estimating = null as never
  const parts = { pricing, models: models(context), bounds, speeds, estimating }
  const priced = await price(step, parts)
  if (!priced.ok) throw new Error(priced.error.message)
  return priced.value
}

const boundOf = async (dialect: typeof openaiChat, request: object, context: number | null) =>
  (await priced(dialect, request, context)).asked.most.input

describe('the model’s context as bound', () => {
  const long = 'word '.repeat(10_000)
  const chat = { model: 'm', messages: [{ role: 'user', content: long }] }

  it('is the context if that is smaller than the bytes', async () => {
    expect(await boundOf(openaiChat, chat, 4_096)).toBe(4_096)
    expect(await boundOf(openaiChat, chat, null)).toBeGreaterThan(50_000)
    expect(await boundOf(openaiChat, chat, 1_000_000)).toBe(await boundOf(openaiChat, chat, null))
  })

  it('is one context for each prompt, however many answers each gets', async () => {
    expect(await boundOf(openaiChat, { ...chat, n: 3 }, 4_096)).toBe(4_096)
    const two = { model: 'm', prompt: [long, long], n: 2 }
    expect(await boundOf(openaiCompletions, two, 4_096)).toBe(8_192)
  })

  it('J7 leaves a request whose memory can still be freed', async () => {
    const { asked } = await priced(openaiChat, chat, 4_096)
    expect(asked.body.length).toBeGreaterThan(50_000)
    asked.forget()
    expect(asked.body.length).toBe(0)
    expect(asked.splice).toBeNull()
  })

  it('is none for embeddings, because some models take longer inputs in parts', async () => {
    const input = { model: 'm', input: long }
    expect(await boundOf(openaiEmbeddings, input, 4_096)).toBeGreaterThan(50_000)
  })
})

describe('K5 what the gate adds never makes a request invalid', () => {
  let counted = 0
  const counter = {
    async measure(text: string) {
      counted += 1
      return measure(text)
    },
  } as unknown as TokenCounter
  beforeEach(() => {
    counted = 0
  })

  async function wantedOf(dialect: typeof openaiChat, request: object, context: number | null) {
    const step = await priced(dialect, request, context)
    const parts = { estimator: new PromptEstimator(), counter }
    const estimate = new PromptEstimate(step.asked, WHOSE, parts)
    estimate.of('a')
    return fitted(step, estimate)
  }
  const chat = (words: number, extra = {}) => ({
    ...{ model: 'm', messages: [{ role: 'user', content: 'word '.repeat(words) }] },
    ...extra,
  })

  it('the usual limit leaves room for the prompt in a small context', async () => {
    for (const [words, context] of [
      [10, 1_024],
      [500, 2_048],
      [2_000, 4_096],
      [3_000, 4_096],
    ] as const) {
      const wanted = await wantedOf(openaiChat, chat(words), context)
      expect(wanted).toBeGreaterThanOrEqual(16)
      expect(wanted).toBeLessThan(2_048)
      // Words as a backend counts them, with its template.
      expect(words + 20 + wanted).toBeLessThanOrEqual(context)
    }
  })

  it('it is what the context leaves after the estimate, a quarter and 64 tokens', async () => {
    const step = await priced(openaiChat, chat(1_000), 3_000)
    const estimate = new PromptEstimate(step.asked, WHOSE, {
      estimator: new PromptEstimator(),
      counter,
    })
    estimate.of('a')
    const wanted = await fitted(step, estimate)
    const tokens = await estimate.tokens()
    expect(tokens).toBeGreaterThan(1_000)
    expect(tokens).toBeLessThan(1_050)
    expect(wanted).toBe(3_000 - Math.ceil(tokens * 1.25) - 64)
  })

  it('it is at least 16, and nothing is counted if it fits anyway', async () => {
    expect(await wantedOf(openaiChat, chat(5_000), 4_096)).toBe(16)
    expect(counted).toBe(1)
    expect(await wantedOf(openaiChat, chat(10), 8_192)).toBe(2_048)
    expect(await wantedOf(openaiChat, chat(5_000), null)).toBe(2_048)
    expect(counted).toBe(1)
  })

  it('the buyer’s own limit is not changed', async () => {
    expect(await wantedOf(openaiChat, chat(3_000, { max_tokens: 4_000 }), 4_096)).toBe(4_000)
    expect(await wantedOf(openaiChat, chat(10, { max_tokens: -1 }), 1_024)).toBeLessThan(1_024)
  })

  it('of several prompts the longest one needs room', async () => {
    const prompt = [...new Array(20).fill('word '.repeat(300)), 'word '.repeat(1_000)]
    const wanted = await wantedOf(openaiCompletions, { model: 'm', prompt }, 2_048)
    expect(wanted).toBeGreaterThan(500)
    expect(wanted).toBeLessThanOrEqual(1_048)
  })
})
