import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Answered } from '../support/ask.ts'
import { type Pass, startGate, type TestGate } from '../support/gate.ts'
import type { Script } from '../support/upstream.ts'

/** A token in is a msat, a token out two: what is charged tells what was counted. */
let gate: TestGate
let pass: Pass
const MODELS = ['fake', 'other', 'cheap', 'free-1', 'fee'].map((id) => ({ id, object: 'model' }))

beforeAll(async () => {
  gate = await startGate({
    shared: true,
    settings: {
      pricing: {
        default: '1/2',
        maxOutputTokens: 100,
        models: {
          'free-*': 'free',
          fee: { input: 0, output: 0, request: 5 },
          cheap: { input: 1, output: 2, cached: 0.5 },
        },
      },
      limits: { outputTokens: 500 },
    },
  })
  pass = await gate.buy(10_000)
})
afterAll(() => gate.close())
beforeEach(() => {
  gate.events.length = 0
})

const says = (script: Script) => {
  gate.fake.script = { models: MODELS, ...script }
}

/** What was charged and by which figures, by the event; it must be what the ledger took. */
async function charged(body: object = {}, path = '/v1/chat/completions') {
  const before = (await gate.balance(pass)).balance_msat
  const question = gate.chatQuestion(pass, body)
  const answer: Answered = await gate.ask(
    path.endsWith('embeddings')
      ? { ...question, path, body: { model: 'fake', ...body } }
      : { ...question, path },
  )
  const event = await gate.last()
  expect(before - (await gate.balance(pass)).balance_msat).toBe(event.charged_msat)
  return { answer, event, cost: event.charged_msat, usage: event.usage }
}

const usage = (prompt: number, completion: number, more = {}) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
  ...more,
})

describe('what is charged', () => {
  it.each([
    { why: 'reported usage', script: { usageValue: usage(7, 2) }, cost: 11, usage: 'reported' },
    {
      why: 'a usage above our own count is believed',
      script: { usageValue: usage(7, 90) },
      cost: 187,
      usage: 'reported',
    },
    {
      why: 'cached tokens, at the input price',
      script: { usageValue: usage(10, 2, { prompt_tokens_details: { cached_tokens: 8 } }) },
      cost: 14,
      usage: 'reported',
    },
    {
      why: 'reasoning is output',
      script: { reasoning: ['a', 'b', 'c'], deltas: ['d'] },
      cost: 13,
      usage: 'reported',
    },
    {
      why: 'tool calls are output',
      script: { deltas: [], toolCall: { name: 'f', arguments: ['{', '}'] } },
      cost: 9,
      usage: 'reported',
    },
  ])('A7 $why: the same streamed or not', async ({ script, cost, usage: source }) => {
    says({ ...script, usage: 'own' })
    const whole = await charged()
    gate.events.length = 0
    const streamed = await charged({ stream: true })
    expect([whole.cost, streamed.cost]).toEqual([cost, cost])
    expect([whole.usage, streamed.usage]).toEqual([source, source])
  })

  it('A7 cached tokens at their own rate where there is one', async () => {
    says({ usageValue: usage(10, 2, { prompt_tokens_details: { cached_tokens: 8 } }) })
    expect((await charged({ model: 'cheap' })).cost).toBe(2 + 4 + 4)
  })

  it.each([
    ['missing', undefined],
    ['null', null],
    ['negative', usage(5, -1)],
    ['a fraction', usage(5, 1.5)],
    ['text', { prompt_tokens: '5', completion_tokens: '2' }],
    ['huge', usage(5, 1e15)],
    ['a huge prompt', usage(1e9, 2)],
    ['zero though something flowed', usage(0, 0)],
    ['an empty object', {}],
    ['a list', [1, 2]],
  ])('A6 a usage that is %s: what was counted, never 0, never above the hold', async (_, value) => {
    for (const stream of [false, true]) {
      gate.events.length = 0
      says(value === undefined ? { usage: 'none' } : { usage: 'own', usageValue: value })
      const { cost, event } = await charged({ stream })
      expect(event.usage).toBe('counted')
      expect(cost).toBeGreaterThanOrEqual(4)
      expect(cost).toBeLessThanOrEqual(event.held_msat ?? 0)
    }
  })

  it('A5 a reported zero is believed where nothing flowed', async () => {
    says({ deltas: [], usageValue: usage(0, 0) })
    expect((await charged({ stream: true })).cost).toBe(0)
  })

  it('a price for each request, whatever flows', async () => {
    says({})
    expect((await charged({ model: 'fee' })).cost).toBe(5_000)
  })

  it('a free model costs nothing, with a pass and without one', async () => {
    says({})
    const answer = await gate.chat(null, { model: 'free-1' })
    expect([answer.status, answer.json.choices[0].message.content]).toEqual([200, 'Hello there'])
    expect(answer.headers).not.toHaveProperty('x-credit-balance')
    expect((await charged({ model: 'free-1' })).cost).toBe(0)
  })

  it('A8 a compressed answer is not asked for, and is nothing usable', async () => {
    says({ gzip: true })
    const { answer, cost } = await charged()
    expect(gate.fake.seen.at(-1)?.headers['accept-encoding']).toBe('identity')
    expect([answer.status, cost]).toEqual([502, 0])
  })

  it('A10 an alias keeps the price of its model', async () => {
    gate.fake.script = { models: [{ id: 'cheap:latest', object: 'model' }] }
    gate.world.advance(61_000)
    const { cost } = await charged({ model: 'cheap' })
    expect(cost).toBe(5 + 4)
    says({})
    gate.world.advance(61_000)
  })

  it('A12 a model that nothing prices is not for sale, even where the upstream has it', async () => {
    const strict = await startGate({
      settings: { pricing: { default: 'refuse', models: { fake: 1 } } },
    })
    const own = await strict.buy(10)
    expect((await strict.chat(own)).status).toBe(200)
    expect((await strict.chat(own, { model: 'other' })).status).toBe(404)
    const { json } = await strict.ask({ path: '/v1/models' })
    expect(json.data.map(({ id }: { id: string }) => id)).toEqual(['fake'])
  })
})

describe('A2 what the client says of usage cannot lower its bill', () => {
  it.each([
    ['nothing', undefined, false],
    ['false', { include_usage: false }, false],
    ['null', null, false],
    ['{}', {}, false],
    ['true', { include_usage: true }, true],
  ])(
    'stream_options %s: charged as reported, and its stream is the upstream’s own',
    async (_, options, shown) => {
      says({ usage: 'own' })
      const body = { stream: true, ...(options === undefined ? {} : { stream_options: options }) }
      const { answer, cost } = await charged(body)
      expect(cost).toBe(5 + 4)
      expect(gate.fake.seen.at(-1)?.json?.stream_options).toEqual({ include_usage: true })
      expect(answer.text.includes('"usage"')).toBe(shown)
      const own = answer.text.replace(': satgate cost_msat=9\n\n', '')
      expect(own.match(/data: /g)).toHaveLength(shown ? 5 : 4)
      expect(own.endsWith('data: [DONE]\n\n')).toBe(true)
    },
  )

  it('a duplicate key is refused, before it is priced', async () => {
    const body =
      '{"model":"fake","stream":true,"messages":[],"stream_options":{},"stream_options":{"include_usage":false}}'
    expect((await gate.ask({ ...gate.chatQuestion(pass), body })).status).toBe(400)
  })
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

  it('a small balance buys a short answer, and a backend that obeys ends it there', async () => {
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
})

describe('the same figures everywhere', () => {
  it('headers, trailer, comment, event and usage page agree', async () => {
    says({ usageValue: usage(7, 2) })
    const before = (await gate.balance(pass)).balance_msat
    const whole = await charged()
    expect(whole.answer.headers).toMatchObject({
      'x-cost-msat': '11',
      'x-credit-balance-msat': `${before - 11}`,
      'x-credit-balance': `${Math.floor((before - 11) / 1000)}`,
      'x-request-id': whole.event.id,
      'cache-control': 'private, no-store',
    })
    gate.events.length = 0
    const streamed = await charged({ stream: true })
    expect(streamed.answer.headers).toMatchObject({ 'x-credit-balance-msat': `${before - 11}` })
    expect(streamed.answer.headers).not.toHaveProperty('x-cost-msat')
    expect(streamed.answer.trailers).toEqual({ 'x-cost-msat': '11' })
    expect(streamed.answer.text).toMatch(/: satgate cost_msat=11\n\ndata: \[DONE\]\n\n$/)
    const { json } = await gate.ask({
      path: '/v1/usage?limit=1',
      headers: { authorization: `Bearer ${pass.text}` },
    })
    expect(json.data[0]).toMatchObject({
      id: streamed.event.id,
      model: 'fake',
      end: 'complete',
      usage: 'reported',
      prompt_tokens: 7,
      completion_tokens: 2,
      charged_msat: 11,
    })
    await gate.proof()
  })

  it('A14 a fraction of a msat is rounded up, once', async () => {
    const fine = await startGate({ settings: { pricing: { default: 0.001 } } })
    const own = await fine.buy(1)
    expect((await fine.chat(own)).headers['x-cost-msat']).toBe('1')
    expect((await fine.balance(own)).balance_msat).toBe(999)
  })
})
