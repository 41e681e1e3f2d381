import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Pass } from '../support/buyer.ts'
import type { TestGate } from '../support/gate.ts'
import { openTill, type Till } from '../support/till.ts'

let gate: TestGate
let pass: Pass
let says: Till['says']
let charged: Till['charged']
beforeAll(async () => {
  const till = await openTill()
  gate = till.gate
  pass = till.pass
  says = till.says
  charged = till.charged
})
afterAll(() => gate.close())
beforeEach(() => {
  gate.events.length = 0
})

describe('the output limit', () => {
  const sent = () => gate.fake.seen.at(-1)?.json ?? {}

  it.each([
    { why: 'named by nobody: the operator’s', body: {}, limit: 100, said: '100' },
    { why: 'the client’s own', body: { max_tokens: 7 }, limit: 7, said: undefined },
    {
      why: 'the client’s, in its newer name',
      body: { max_completion_tokens: 7 },
      limit: 7,
      said: undefined,
    },
    {
      why: 'the client’s, above the operator’s most',
      body: { max_tokens: 9_999 },
      limit: 500,
      said: '500',
    },
    { why: 'A15 n_predict -1', body: { n_predict: -1 }, limit: 100, said: '100' },
  ])('$why: $limit', async ({ body, limit, said }) => {
    says({})
    const { answer } = await charged(body)
    const { max_tokens, max_completion_tokens } = sent()
    expect(max_tokens ?? max_completion_tokens).toBe(limit)
    expect(answer.headers['x-max-tokens-applied']).toBe(said)
  })

  it('A15 I6 limit_aliases_and_buffered_abort_bounded: fields that raise the output never pass', async () => {
    says({})
    const raise = {
      n_predict: -1,
      num_predict: -1,
      ignore_eos: true,
      min_tokens: 9_999,
      options: { num_ctx: 1e9, num_predict: -1 },
      keep_alive: -1,
      chat_template: 'x',
      api_base: 'http://a.example',
      best_of: null,
    }
    const { cost } = await charged(raise)
    for (const key of Object.keys(raise))
      if (key !== 'best_of') expect(sent()).not.toHaveProperty(key)
    expect(cost).toBe(9)
    for (const key of ['Max_Tokens', 'max_toKen\u017f', 'Model', 'N_Predict']) {
      const answer = await gate.chat(pass, { [key]: 1 })
      expect([key, answer.status]).toEqual([key, 400])
    }
  })

  it('A15 every choice is held and charged, streamed or not', async () => {
    says({})
    const whole = await charged({ n: 3, max_tokens: 10 })
    expect(whole.cost).toBe(5 + 3 * 4)
    gate.events.length = 0
    expect((await charged({ n: 3, stream: true, max_tokens: 10 })).cost).toBe(5 + 3 * 4)
    gate.events.length = 0
    const one = await charged({ max_tokens: 10 })
    expect((whole.event.held_msat ?? 0) - (one.event.held_msat ?? 0)).toBe(2 * 10 * 2)
    expect((await gate.chat(pass, { n: 1_000 })).status).toBe(400)
  })

  it('A15 embeddings are charged by the batch', async () => {
    says({ promptTokens: 6 })
    const { cost, answer } = await charged({ input: ['a', 'b', 'c'] }, '/v1/embeddings')
    expect([answer.status, cost]).toEqual([200, 6])
    says({ usage: 'none' })
    gate.events.length = 0
    expect(
      (await charged({ input: ['word', 'word', 'word'] }, '/v1/embeddings')).cost,
    ).toBeGreaterThan(2)
  })

  it('a small balance pays for a short answer, and a backend that obeys ends it there', async () => {
    says({ deltas: Array.from({ length: 90 }, () => 'x '), obeyLimit: true })
    const small = await gate.buy(1, { caveats: ['spend <= 0.1'] })
    const answer = await gate.chat(small)
    const applied = Number(answer.headers['x-max-tokens-applied'])
    expect(applied).toBeGreaterThan(0)
    expect(applied).toBeLessThan(50)
    expect(sent().max_tokens).toBe(applied)
    expect(answer.json.choices[0].finish_reason).toBe('length')
  })

  it('I6 a backend that ignores its limit is cut, streamed: finish_reason length, no loss', async () => {
    says({ after: { deltas: 3, does: 'flood' }, deltas: ['a', 'b', 'c'] })
    const { answer, event, cost } = await charged({ stream: true, max_tokens: 20 })
    expect(answer.text).toContain('"finish_reason":"length"')
    expect(answer.text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(cost).toBeLessThanOrEqual(event.held_msat ?? 0)
    expect(event).toMatchObject({ end: 'complete' })
    await gate.fake.untilAborted()
  })

  it('J8 J16 nor is its answer cheap if it reports few of many tokens: what is shown is charged', async () => {
    for (const completion_tokens of [1, 12, 20]) {
      says({
        deltas: Array.from({ length: 500 }, () => ' word'),
        usageValue: { prompt_tokens: 3, completion_tokens },
      })
      const { answer, cost } = await charged({ max_tokens: 20 })
      expect(answer.text.match(/word/g)).toHaveLength(20)
      expect(cost).toBe(3 + 2 * 20)
    }
  })
})
