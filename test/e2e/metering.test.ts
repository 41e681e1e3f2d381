import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Pass } from '../support/buyer.ts'
import { CODINGS, type Coding, encoded, labelOf } from '../support/encoded.ts'
import { startGate, type TestGate } from '../support/gate.ts'
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

  it('A7 cached tokens at their own rate, if there is one', async () => {
    says({ usageValue: usage(10, 2, { prompt_tokens_details: { cached_tokens: 8 } }) })
    // The first time, the tokens were cached for somebody else (threats L21).
    expect((await charged({ model: 'cheap' })).cost).toBe(10 + 4)
    gate.events.length = 0
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
  ])('A6 a usage that is %s: our count is charged, never 0 or above the hold', async (_, value) => {
    for (const stream of [false, true]) {
      gate.events.length = 0
      says(value === undefined ? { usage: 'none' } : { usage: 'own', usageValue: value })
      const { cost, event } = await charged({ stream })
      expect(event.usage).toBe('counted')
      expect(cost).toBeGreaterThanOrEqual(4)
      expect(cost).toBeLessThanOrEqual(event.held_msat ?? 0)
    }
  })

  it('A5 a reported zero is believed if there was no output', async () => {
    says({ deltas: [], usageValue: usage(0, 0) })
    expect((await charged({ stream: true })).cost).toBe(0)
  })

  it('a price for each request, whatever it uses', async () => {
    says({})
    expect((await charged({ model: 'fee' })).cost).toBe(5_000)
  })

  it('a free model costs nothing, with a pass or without', async () => {
    says({})
    const answer = await gate.chat(null, { model: 'free-1' })
    expect([answer.status, answer.json.choices[0].message.content]).toEqual([200, 'Hello there'])
    expect(answer.headers).not.toHaveProperty('x-credit-balance')
    expect((await charged({ model: 'free-1' })).cost).toBe(0)
  })

  it('A8 K17 a compressed answer is not asked for, and is decoded if it comes nevertheless', async () => {
    says({ gzip: true })
    const { answer, cost } = await charged()
    expect(gate.fake.seen.at(-1)?.headers['accept-encoding']).toBe('identity')
    expect([answer.status, cost]).toEqual([200, 5 + 4])
    expect(answer.headers).not.toHaveProperty('content-encoding')
    expect(answer.json.choices[0].message.content).toBe('Hello there')
  })

  it.each(Object.keys(CODINGS) as Coding[])(
    'J9 K17 a stream in %s is metered as one that is not encoded, and delivered decoded',
    async (coding) => {
      const chunk = (part: object) => `data: ${JSON.stringify({ id: 'x', ...part })}\n\n`
      const word = { index: 0, delta: { content: ' word' }, finish_reason: null }
      const stop = { index: 0, delta: {}, finish_reason: 'stop' }
      const events = [
        ...Array.from({ length: 30 }, () => chunk({ choices: [word] })),
        chunk({ choices: [stop] }),
        'data: [DONE]\n\n',
      ]
      const headers = { 'content-type': 'text/event-stream', 'content-encoding': labelOf(coding) }
      says({ pieces: await encoded(coding, events), headers })
      const { answer } = await charged({ stream: true })
      expect(answer.text.match(/ word/g)).toHaveLength(30)
      const event = await gate.last()
      expect(event).toMatchObject({ end: 'complete', usage: 'counted', completion_tokens: 30 })
    },
  )

  it('J9 K17 a stream in an unknown encoding is not delivered, and free', async () => {
    const headers = { 'content-type': 'text/event-stream', 'content-encoding': 'compress' }
    says({ pieces: ['data: {"choices":[]}\n\n'], headers })
    const { answer, cost } = await charged({ stream: true })
    expect([answer.status, answer.json.error.code, cost]).toEqual([502, 'upstream_error', 0])
  })

  it('A10 an alias keeps the price of its model', async () => {
    gate.fake.script = { models: [{ id: 'cheap:latest', object: 'model' }] }
    gate.world.advance(61_000)
    const { cost } = await charged({ model: 'cheap' })
    expect(cost).toBe(5 + 4)
    says({})
    gate.world.advance(61_000)
  })

  it('A11 a model that is named after 64 KiB of prompt is the one that is priced', async () => {
    says({})
    const content = 'word '.repeat(14_000)
    const body = `{"messages":[{"role":"user","content":"${content}"}],"model":"fee"}`
    const answer = await gate.ask({ ...gate.chatQuestion(pass), body })
    expect([answer.status, answer.headers['x-cost-msat']]).toEqual([200, '5000'])
  })

  it('A12 a model without a price is not for sale, even if the upstream has it', async () => {
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

describe('A2 nothing that the client says about usage lowers its bill', () => {
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
      const own = answer.text.replace(': satgate cost_msat=9\n', '')
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
    expect(streamed.answer.text).toMatch(/: satgate cost_msat=11\ndata: \[DONE\]\n\n$/)
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
