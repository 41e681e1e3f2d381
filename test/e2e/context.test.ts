import { expect, it } from 'vitest'
import { startGate } from '../support/gate.ts'

const MODEL = { id: 'fake', object: 'model', created: 0, owned_by: 'vllm', max_model_len: 1_024 }

it('K5 a model whose context is smaller than the usual limit serves a request without a limit', async () => {
  const gate = await startGate({ script: { models: [MODEL] } })
  const pass = await gate.buy()
  for (const [words, most] of [
    [1, 1_000],
    [500, 1_024 - 500 - 64],
    [1_000, 16],
  ] as const) {
    const content = 'word '.repeat(words)
    const answer = await gate.chat(pass, { messages: [{ role: 'user', content }] })
    expect(answer.status).toBe(200)
    const { max_tokens: sent } = gate.fake.seen.at(-1)?.json ?? {}
    expect(sent).toBeGreaterThanOrEqual(16)
    expect(sent).toBeLessThanOrEqual(most)
    expect(answer.headers['x-max-tokens-applied']).toBe(`${sent}`)
  }
  const offered = await gate.chat(null, { messages: [{ role: 'user', content: 'a' }] })
  expect(offered.status).toBe(402)
})

it.each([
  ['a free model', { pricing: { models: { fake: 'free' } } }],
  ['an observed request', { mode: 'observe' }],
])('K5 nor does the usual limit of %s exceed its context', async (_, settings) => {
  const gate = await startGate({ settings, script: { models: [MODEL] } })
  const answer = await gate.chat(null, {
    messages: [{ role: 'user', content: 'word '.repeat(500) }],
  })
  expect(answer.status).toBe(200)
  const { max_tokens: sent } = gate.fake.seen.at(-1)?.json ?? {}
  expect(sent).toBeGreaterThanOrEqual(16)
  expect(sent).toBeLessThanOrEqual(1_024 - 500 - 64)
})
