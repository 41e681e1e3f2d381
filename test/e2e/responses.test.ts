import { describe, expect, it } from 'vitest'
import { bearer, type Pass, until } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'
import type { Script } from '../support/upstream.ts'
import {
  completed,
  created,
  delta,
  event,
  eventsOf,
  message,
  opened,
  reads,
  repeated,
  response,
  stream,
} from '../unit/dialects/responses/response-events.ts'

/** The Responses API through a whole gate. An output token costs one sat, and input nothing. */
const PRICES = { pricing: { default: '0/1000', maxOutputTokens: 200 } }
const WORDS = ['one', ' two', ' three']

const question = (pass: Pass | string | null, body: object = {}) => ({
  path: '/v1/responses',
  body: { model: 'fake', input: 'hi', stream: true, ...body },
  headers: bearer(pass),
})

/** What a buyer sees who has sent no such prompt before: none of it was in the cache (threats L21). */
const ownCache = (text: string): string => text.replaceAll('"cached_tokens":2', '"cached_tokens":0')

async function paid(script: Script, sats = 1_000): Promise<{ gate: TestGate; pass: Pass }> {
  const gate = await startGate({ settings: PRICES })
  gate.fake.script = script
  return { gate, pass: await gate.buy(sats) }
}

describe('the Responses API through a gate', () => {
  it('is bought by the 402 that it answers, and then streams, with its cost in its last event', async () => {
    const gate = await startGate({ settings: PRICES })
    gate.fake.script = { pieces: [stream(...WORDS)] }
    const refused = await gate.ask(question(null))
    expect([refused.status, refused.json.error.code]).toEqual([402, 402])
    const pass = await gate.accept(refused)
    const answer = await gate.ask(question(pass))
    expect(answer.headers['content-type']).toContain('text/event-stream')
    expect(answer.text).toBe(
      ownCache(stream(...WORDS)).replace(
        'event: response.completed',
        ': satgate cost_msat=3000\nevent: response.completed',
      ),
    )
    const sent = gate.fake.seen.at(-1)?.json
    expect(sent).toMatchObject({ max_output_tokens: 200, store: false, background: false })
    expect(await gate.last()).toMatchObject({
      ...{ dialect: 'openai-responses', end: 'complete', usage: 'reported', charged_msat: 3_000 },
    })
    await gate.proof()
  })

  it('in one piece: the bytes of the backend, and the cost in a header', async () => {
    const body = JSON.stringify(response([message('one two three')]))
    const { gate, pass } = await paid({ body, headers: { 'content-type': 'application/json' } })
    const answer = await gate.ask(question(pass, { stream: false }))
    expect(answer.text).toBe(ownCache(body))
    expect(answer.headers['x-cost-msat']).toBe('3000')
    await gate.proof()
  })

  it('A4 I6 money that ends in the middle is an answer that is incomplete, and never more than there was', async () => {
    const endless = [created + opened, ...Array.from({ length: 400 }, () => delta(' word'))]
    const { gate, pass } = await paid({ pieces: endless, staysOpen: true }, 20)
    const answer = await gate.ask(question(pass))
    expect(answer.headers['x-max-tokens-applied']).toBe('20')
    expect(reads(answer.text).end).toBe('limit')
    expect(eventsOf(answer.text).at(-1)?.response).toMatchObject({
      ...{ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
      usage: { output_tokens: 20 },
    })
    await gate.fake.untilAborted()
    expect((await gate.balance(pass)).balance_msat).toBe(0)
    const next = await gate.ask(question(pass))
    expect([next.status, next.json.error.type]).toEqual([402, 'insufficient_quota'])
    await gate.proof()
  })

  it('A3 I7 a buyer who leaves in the middle pays what flowed', async () => {
    const pieces = [created + opened, ...Array.from({ length: 400 }, () => delta(' word'))]
    const { gate, pass } = await paid({ pieces, paceMs: 5 })
    const open = await gate.client.open(question(pass))
    await until(() => (open.text().match(/ word/g)?.length ?? 0) >= 20)
    open.leave()
    await gate.fake.untilAborted()
    const last = await gate.last()
    expect(last).toMatchObject({ end: 'client_left', usage: 'counted' })
    expect(last.charged_msat).toBeGreaterThanOrEqual(20_000)
    expect(last.charged_msat).toBeLessThan(80_000)
    await gate.proof()
  })

  it('an error in the middle is response.failed, and only what arrived is charged', async () => {
    const failed = event('response.failed', {
      response: response([], { status: 'failed', error: { message: 'secret of 10.0.0.1' } }),
    })
    const { gate, pass } = await paid({ pieces: [created + opened, delta('one'), failed] })
    const answer = await gate.ask(question(pass))
    expect(reads(answer.text)).toEqual({ made: 'one', end: 'error' })
    expect(answer.text).not.toContain('secret')
    expect(await gate.last()).toMatchObject({ end: 'upstream_failed', charged_msat: 1_000 })
    await gate.proof()
  })

  it('K8 an error before any output is 502, in the error object of the API, and free', async () => {
    const failed = event('response.failed', { response: response([], { status: 'failed' }) })
    const { gate, pass } = await paid({ pieces: [created, failed] })
    const answer = await gate.ask(question(pass))
    expect([answer.status, answer.json.error.type]).toEqual([502, 'server_error'])
    expect((await gate.balance(pass)).balance_msat).toBe(1_000_000)
  })

  it('L18 an answer that goes on at the upstream is charged all that was held', async () => {
    const body = JSON.stringify(response([], { status: 'in_progress', usage: null }))
    const { gate, pass } = await paid({ body, headers: { 'content-type': 'application/json' } })
    const answer = await gate.ask(question(pass, { stream: false, max_output_tokens: 50 }))
    expect(answer.json.status).toBe('in_progress')
    expect((await gate.last()).charged_msat).toBe(50_000)
    await gate.proof()
  })

  it('L18 what the upstream keeps is out of reach, below this path too', async () => {
    const { gate, pass } = await paid({ pieces: [stream(...WORDS)] })
    const refused = await gate.ask(question(pass, { previous_response_id: 'resp_1' }))
    expect([refused.status, refused.json.error.param]).toEqual([400, 'previous_response_id'])
    for (const [method, path] of [
      ['GET', '/v1/responses/resp_1'],
      ['DELETE', '/v1/responses/resp_1'],
      ['POST', '/v1/responses/resp_1/cancel'],
      ['GET', '/v1/responses/resp_1/input_items'],
      ['POST', '/v1/responses/compact'],
      ['POST', '/v1/responses/input_tokens'],
      ['POST', '/v1/conversations'],
    ] as const) {
      const answer = await gate.ask({ method, path, body: {}, headers: bearer(pass) })
      expect([path, answer.status, answer.json.error.type]).toEqual([
        ...[path, 404, 'invalid_request_error'],
      ])
    }
    const asked = gate.fake.seen.filter(({ path }) => path.includes('/responses'))
    expect(asked).toEqual([])
    expect((await gate.balance(pass)).balance_msat).toBe(1_000_000)
  })

  it('L18 a tool that nobody asked for is left out, and named', async () => {
    const { gate, pass } = await paid({ pieces: [stream(...WORDS)] })
    const tools = [
      { type: 'function', name: 'add', parameters: {} },
      { type: 'web_search', external_web_access: false },
    ]
    const answer = await gate.ask(question(pass, { tools, client_metadata: {} }))
    expect(answer.headers['x-satgate-ignored']).toBe('client_metadata, tools.web_search')
    expect(gate.fake.seen.at(-1)?.json?.tools).toEqual(tools.slice(0, 1))
  })

  it('K5 a backend that refuses a field of the gate gets the request without it, once', async () => {
    const { gate, pass } = await paid({ refuses: { fields: ['background'], as: 'openai' } })
    for (const sends of [2, 1]) {
      const before = gate.fake.seen.length
      const answer = await gate.ask(question(pass))
      expect(reads(answer.text)).toEqual({ made: 'a b', end: 'done' })
      const seen = gate.fake.seen.slice(before).filter(({ method }) => method === 'POST')
      expect(seen).toHaveLength(sends)
      expect(seen.at(-1)?.json).not.toHaveProperty('background')
      expect(seen.at(-1)?.json).toMatchObject({ store: false, max_output_tokens: 200 })
    }
    await gate.proof()
  })

  it('K18 an answer in one piece to a stream is one, and a stream without a label is one', async () => {
    const one = JSON.stringify(response([message('one two three')]))
    const { gate, pass } = await paid({ pieces: [one] })
    const whole = await gate.ask(question(pass))
    expect(whole.json.output[0].content[0].text).toBe('one two three')
    gate.fake.script = { pieces: [stream(...WORDS)], headers: { 'content-type': 'text/plain' } }
    const flows = await gate.ask(question(pass))
    expect(reads(flows.text)).toEqual({ made: 'one two three', end: 'done' })
    gate.fake.script = {
      pieces: [created + opened + delta('one') + repeated('one'), completed('one')],
    }
    expect(reads((await gate.ask(question(pass))).text).made).toBe('one')
    await gate.proof()
  })
})
