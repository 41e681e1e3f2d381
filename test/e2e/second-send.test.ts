import { describe, expect, it } from 'vitest'
import type { Pass } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'
import type { Script } from '../support/upstream.ts'

async function refusing(refuses: Script['refuses']): Promise<{ gate: TestGate; pass: Pass }> {
  const gate = await startGate()
  const pass = await gate.buy(1000)
  gate.fake.script = { ...gate.fake.script, ...(refuses === undefined ? {} : { refuses }) }
  return { gate, pass }
}

/** The bodies that were sent to the backend. */
const sent = (gate: TestGate) =>
  gate.fake.seen.filter(({ method }) => method === 'POST').map(({ json }) => json ?? {})

const limitsOf = (json: Record<string, unknown>) => [json.max_tokens, json.max_completion_tokens]

describe('K5 what the gate adds never makes a request invalid', () => {
  it.each(['openai', 'fastapi', 'mistral', 'azure', 'coded'] as const)(
    'a model that refuses max_tokens, in the words of %s: the limit changes its name',
    async (as) => {
      const { gate, pass } = await refusing({ fields: ['max_tokens'], as })
      const answer = await gate.chat(pass)
      expect(answer.status).toBe(200)
      expect(sent(gate).map(limitsOf)).toEqual([
        [2048, undefined],
        [undefined, 2048],
      ])
      await gate.proof()
    },
  )

  it.each(['openai', 'fastapi', 'mistral', 'azure'] as const)(
    'a backend that refuses stream_options, in the words of %s: streamed and counted',
    async (as) => {
      const { gate, pass } = await refusing({ fields: ['stream_options'], as })
      const answer = await gate.chat(pass, { stream: true })
      expect(answer.status).toBe(200)
      expect(answer.text).toContain('[DONE]')
      expect(sent(gate).map((json) => json.stream_options)).toEqual([
        { include_usage: true },
        undefined,
      ])
      expect((await gate.last()).charged_msat).toBeGreaterThan(0)
      await gate.proof()
    },
  )

  it('it is one hold, one event and one charge', async () => {
    const { gate, pass } = await refusing({ fields: ['max_tokens'], as: 'openai' })
    const before = (await gate.balance(pass)).balance_msat
    const answer = await gate.chat(pass)
    expect(before - (await gate.balance(pass)).balance_msat).toBe(
      Number(answer.headers['x-cost-msat']),
    )
    expect((await gate.requests()).length).toBe(1)
  })

  it('the spelling that worked is remembered for that model for an hour', async () => {
    const { gate, pass } = await refusing({ fields: ['max_tokens'], as: 'openai' })
    await gate.chat(pass)
    await gate.chat(pass)
    expect(sent(gate)).toHaveLength(3)
    expect(limitsOf(sent(gate)[2] ?? {})).toEqual([undefined, 2048])
    await gate.chat(pass, { model: 'other' })
    expect(sent(gate)).toHaveLength(5)
    gate.world.advance(3_600_000)
    await gate.chat(pass)
    expect(sent(gate)).toHaveLength(7)
  })

  it('the reverse is learnt in the same way', async () => {
    const { gate, pass } = await refusing({ fields: ['max_tokens'], as: 'openai' })
    await gate.chat(pass)
    gate.fake.script = {
      ...gate.fake.script,
      refuses: { fields: ['max_completion_tokens'], as: 'openai' },
    }
    expect((await gate.chat(pass)).status).toBe(200)
    expect(limitsOf(sent(gate).at(-1) ?? {})).toEqual([2048, undefined])
  })

  it('what did not work is not remembered, and nothing is sent a third time', async () => {
    const fields = ['max_tokens', 'max_completion_tokens']
    const { gate, pass } = await refusing({ fields, as: 'openai' })
    const answer = await gate.chat(pass)
    expect([answer.status, answer.json.error.param]).toEqual([400, 'max_completion_tokens'])
    expect(sent(gate)).toHaveLength(2)
    await gate.chat(pass)
    expect(limitsOf(sent(gate)[2] ?? {})).toEqual([2048, undefined])
    expect(gate.events.at(-1)).toMatchObject({ status: 400, charged_msat: 0 })
    await gate.proof()
  })

  it.each<[string, object]>([
    ['a field of the client’s own', { max_tokens: 5 }],
    ['a name that stands in the prompt', { messages: [{ role: 'user', content: 'MAX_TOKENS?' }] }],
    ['a name in a prompt, escaped', { metadata: { a: 'max_tokens' } }],
  ])('not for %s', async (_, body) => {
    const { gate, pass } = await refusing({ fields: ['max_tokens'], as: 'openai' })
    const escaped = JSON.stringify({
      ...{ model: 'fake', messages: [{ role: 'user', content: 'hi' }] },
      ...body,
    }).replace('"a":"max_tokens"', '"a":"max\\u005ftokens"')
    const question = gate.chatQuestion(pass)
    expect((await gate.ask({ ...question, body: escaped })).status).toBe(400)
    expect(sent(gate)).toHaveLength(1)
  })

  it('not because of a text alone, which may only repeat a prompt', async () => {
    const { gate, pass } = await refusing({ fields: ['max_tokens'], as: 'text' })
    expect((await gate.chat(pass)).status).toBe(400)
    expect(sent(gate)).toHaveLength(1)
  })

  it.each([404, 413, 429, 500, 503])('not after a %i', async (status) => {
    const { gate, pass } = await refusing(undefined)
    const body = JSON.stringify({ error: { message: 'no', param: 'max_tokens' } })
    gate.fake.script = { ...gate.fake.script, status, body }
    await gate.chat(pass)
    expect(sent(gate)).toHaveLength(1)
  })

  it('completions have one name for their limit, so it stays, and nothing is sent again', async () => {
    const { gate, pass } = await refusing({ fields: ['max_tokens'], as: 'openai' })
    const question = { ...gate.chatQuestion(pass), path: '/v1/completions' }
    const body = { model: 'fake', prompt: 'hi' }
    expect((await gate.ask({ ...question, body })).status).toBe(400)
    expect(sent(gate)).toHaveLength(1)
  })
})
