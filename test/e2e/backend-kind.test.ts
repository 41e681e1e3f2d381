import { describe, expect, it } from 'vitest'
import { bearer } from '../support/buyer.ts'
import { startGate } from '../support/gate.ts'
import { startFakeUpstream } from '../support/upstream.ts'

const OLLAMA = [{ id: 'fake:latest', object: 'model', created: 0, owned_by: 'library' }]
const LIMIT = { max_completion_tokens: 16 }

/** The limits in the last request to the backend. */
const limits = (json: Record<string, unknown> | undefined) => [
  json?.max_tokens,
  json?.max_completion_tokens,
]

describe('J8 backend_kind_is_learnt_anew', () => {
  it('an Ollama that starts after the gate gets the limit that it obeys', async () => {
    const gate = await startGate({
      script: { refuse: true },
      settings: { pricing: { default: 1, models: { 'fak*': 1 } } },
    })
    expect((await gate.chat(null)).status).toBe(402)
    gate.fake.script = { models: OLLAMA }
    const pass = await gate.buy(10)
    expect((await gate.chat(pass, LIMIT)).status).toBe(200)
    expect(limits(gate.fake.seen.at(-1)?.json)).toEqual([16, 16])
  })

  it('a backend that replaces another is recognised by its next listing', async () => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    await gate.chat(pass, LIMIT)
    expect(limits(gate.fake.seen.at(-1)?.json)).toEqual([undefined, 16])
    gate.fake.script = { models: OLLAMA }
    gate.world.advance(60_000)
    await gate.chat(pass, LIMIT)
    expect(limits(gate.fake.seen.at(-1)?.json)).toEqual([16, 16])
  })

  it('a backend that was swapped under open connections is asked at once what it is', async () => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    await gate.chat(pass, LIMIT)
    const { port } = gate.fake
    await gate.fake.close()
    const other = await startFakeUpstream({ models: OLLAMA }, port)
    try {
      // A request that was written for the first backend is not sent to the second. It fails with
      // 502 at most, and costs nothing.
      await gate.chat(pass, LIMIT)
      expect((await gate.chat(pass, LIMIT)).status).toBe(200)
      const sent = other.seen.filter(({ method }) => method === 'POST')
      expect(sent.map(({ json }) => limits(json))).not.toContainEqual([undefined, 16])
      expect(limits(other.seen.at(-1)?.json)).toEqual([16, 16])
    } finally {
      await other.close()
    }
  })

  it('a backend that was swapped while it was known to be down is asked before it is trusted', async () => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    const { port } = gate.fake
    await gate.fake.close()
    expect((await gate.chat(pass, LIMIT)).status).toBe(502)
    const other = await startFakeUpstream({ models: OLLAMA }, port)
    try {
      expect((await gate.chat(pass, LIMIT)).status).toBe(200)
      expect(limits(other.seen.at(-1)?.json)).toEqual([16, 16])
    } finally {
      await other.close()
    }
  })
})

describe('J10 alias_has_the_price_of_its_model', () => {
  const pricing = { default: 1, models: { 'deepseek-*': 1, 'deepseek-r1:latest': 100 } }
  const listed = [{ id: 'deepseek-r1:latest', object: 'model', created: 0, owned_by: 'library' }]

  it.each([
    'deepseek-r1:latest',
    'deepseek-r1',
    'deepseek-R1:latest',
    'DEEPSEEK-R1',
    'library/deepseek-r1',
    'registry.ollama.ai/library/Deepseek-R1:LATEST',
    'deep\u017feek-r1',
    'deepsee\u212a-r1',
    'deepseek-r1 ',
    'https://registry.ollama.ai/library/deepseek-r1',
  ])('%s costs 100', async (model) => {
    const gate = await startGate({ settings: { pricing }, script: { models: listed } })
    const pass = await gate.buy(1000)
    const answer = await gate.chat(pass, { model, max_tokens: 8 })
    expect(answer.status).toBe(200)
    const { prompt_tokens: input, completion_tokens: output } = answer.json.usage
    expect(Number(answer.headers['x-cost-msat'])).toBe((input + output) * 100)
  })

  it('also before the backend was ever asked', async () => {
    const gate = await startGate({ settings: { pricing }, script: { status: 404, body: '{}' } })
    const pass = await gate.buy(1000)
    gate.fake.script = {}
    const answer = await gate.chat(pass, { model: 'deepseek-R1', max_tokens: 8 })
    const { prompt_tokens: input, completion_tokens: output } = answer.json.usage
    expect(Number(answer.headers['x-cost-msat'])).toBe((input + output) * 100)
  })

  it('however it is spelled, its earnings and what is learnt of it are kept under one name', async () => {
    const gate = await startGate({ settings: { pricing }, script: { models: listed } })
    const pass = await gate.buy(1000)
    for (const model of ['deepseek-r1', 'DeepSeek-R1', 'library/deepseek-r1:LATEST']) {
      expect((await gate.chat(pass, { model, max_tokens: 4 })).status).toBe(200)
    }
    const usage = (await gate.ask({ path: '/v1/usage', headers: bearer(pass) })).json
    const names = usage.data.map(({ model }: { model: string }) => model)
    expect(names).toEqual(Array.from({ length: 3 }, () => 'deepseek-r1:latest'))
  })

  it('the price that is shown is the price that is charged', async () => {
    const gate = await startGate({ settings: { pricing }, script: { models: listed } })
    const { json } = await gate.ask({ path: '/v1/models' })
    expect(json.data[0]).toMatchObject({ id: 'deepseek-r1:latest', pricing: { input: 100 } })
    expect((await gate.ask({ path: '/llms.txt' })).text).toContain('100 play sat per 1,000 tokens')
  })
})
