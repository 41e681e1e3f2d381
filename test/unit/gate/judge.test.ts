import { describe, expect, it } from 'vitest'
import { openaiChat } from '../../../src/dialects/openai-chat.ts'
import { openaiCompletions } from '../../../src/dialects/openai-completions.ts'
import { openaiEmbeddings } from '../../../src/dialects/openai-embeddings.ts'
import { type Models, price } from '../../../src/gate/judge.ts'
import type { Read } from '../../../src/gate/steps.ts'
import { msat } from '../../../src/money/msat.ts'
import type { Pricing } from '../../../src/money/pricing.ts'
import { mustRead } from '../../contract/dialect.ts'

const rate = {
  inputPerMillion: 1n,
  cachedPerMillion: 1n,
  outputPerMillion: 1n,
  perRequest: msat(0n),
}
const pricing = {
  names: () => true,
  priceOf: () => ({ is: 'priced', rate }),
} as unknown as Pricing
const models = (context: number | null): Models => ({
  knows: async () => true,
  contextOf: () => context,
  reached: (model) => [{ names: [model], fold: (text) => text }],
  listedAs: (model) => model,
  kind: () => 'other',
  some: () => [],
})

async function boundOf(dialect: typeof openaiChat, request: object, context: number | null) {
  const asked = mustRead(dialect, request)
  const step = { dialect, asked, at: 0 } as unknown as Read
  const bounds = { usual: 2_048, most: 32_768 }
  const priced = await price(step, { pricing, models: models(context), bounds })
  if (!priced.ok) throw new Error(priced.error.message)
  return priced.value.asked.inputBound
}

describe('the model’s context as bound', () => {
  const long = 'word '.repeat(10_000)
  const chat = { model: 'm', messages: [{ role: 'user', content: long }] }

  it('is the context where that is smaller than the bytes', async () => {
    expect(await boundOf(openaiChat, chat, 4_096)).toBe(4_096)
    expect(await boundOf(openaiChat, chat, null)).toBeGreaterThan(50_000)
    expect(await boundOf(openaiChat, chat, 1_000_000)).toBe(await boundOf(openaiChat, chat, null))
  })

  it('is one for each prompt, however many answers each gets', async () => {
    expect(await boundOf(openaiChat, { ...chat, n: 3 }, 4_096)).toBe(4_096)
    const two = { model: 'm', prompt: [long, long], n: 2 }
    expect(await boundOf(openaiCompletions, two, 4_096)).toBe(8_192)
  })

  it('is none for embeddings: some models take longer inputs in parts', async () => {
    const input = { model: 'm', input: long }
    expect(await boundOf(openaiEmbeddings, input, 4_096)).toBeGreaterThan(50_000)
  })
})
