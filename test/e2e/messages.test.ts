import { describe, expect, it } from 'vitest'
import { bearer, until } from '../support/buyer.ts'
import { startGate } from '../support/gate.ts'
import {
  ANSWER,
  block,
  ends,
  eventsOf,
  OVER,
  REQUEST,
  reads,
  says,
  start,
  stop,
} from '../unit/dialects/anthropic/sample.ts'

const path = '/v1/messages'
const EVENTS = { 'content-type': 'text/event-stream' }
const JSON_TYPE = { 'content-type': 'application/json' }
const ask = (more: object = {}) => ({ path, body: { ...REQUEST, ...more } })

/** Events that nobody can mistake for the end: a hundred tokens of text in each. */
const long = (index: number) => says(`${index} word`.repeat(50))

describe('the Messages API in a whole gate', () => {
  it('answers 402 as Anthropic does, with what programs pay by beside it', async () => {
    const gate = await startGate()
    const refused = await gate.ask(ask())
    expect(refused.status).toBe(402)
    expect(refused.json).toMatchObject({
      type: 'error',
      error: { type: 'billing_error', message: expect.stringMatching(/^Insufficient credits/) },
      l402: { amount_sats: 10 },
      accepts: [],
    })
    expect(refused.headers['www-authenticate']).toMatch(/^L402 macaroon=/)
    const unclear = await gate.ask(ask({ messages: [] }))
    expect([unclear.status, unclear.json.error.type]).toEqual([400, 'invalid_request_error'])
    const unknown = await gate.ask(ask({ model: 'gpt-x' }))
    expect([unknown.status, unknown.json.error.type]).toEqual([404, 'not_found_error'])
    expect(gate.fake.seen.filter((one) => one.path === path)).toEqual([])
  })

  it('streams to the key of an Anthropic SDK, and tells the cost in the last event', async () => {
    const gate = await startGate()
    const pass = await gate.buy(100)
    const [key] = Object.values(bearer(pass)).map((value) => String(value).replace('Bearer ', ''))
    gate.fake.script = {
      ...gate.fake.script,
      headers: EVENTS,
      pieces: [start(), block(), says('Hi'), stop(), ends({ output_tokens: 2 }), OVER],
    }
    const headers = {
      ...{ 'x-api-key': key ?? '', 'anthropic-version': '2023-06-01' },
      'anthropic-beta': 'interleaved-thinking-2025-05-14,mcp-client-2025-04-04',
    }
    const answer = await gate.ask({ ...ask({ stream: true }), headers })
    expect(reads(answer.text)).toEqual({ made: 'Hi', end: 'done' })
    expect(answer.text.endsWith(`\n\n: satgate cost_msat=7\n${OVER}`)).toBe(true)
    expect(answer.headers['x-satgate-ignored']).toBe('mcp-client-2025-04-04')
    const sent = gate.fake.seen.at(-1)
    expect(sent).toMatchObject({ path, json: { max_tokens: 100, stream: true } })
    expect(sent?.headers).toMatchObject({
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'interleaved-thinking-2025-05-14',
    })
    expect(sent?.headers['x-api-key']).toBeUndefined()
    expect((await gate.balance(pass)).balance_msat).toBe(99_993)
    await gate.proof()
  })

  it('L18 charges what was written into the cache at a rate of its own', async () => {
    const price = { input: 1, output: 1, cached: 0.1, cacheWrite: 2 }
    const gate = await startGate({ settings: { pricing: { default: price } } })
    const pass = await gate.buy(100)
    const usage = {
      ...{ input_tokens: 10, cache_read_input_tokens: 20, cache_creation_input_tokens: 30 },
      output_tokens: 3,
    }
    gate.fake.script = {
      ...gate.fake.script,
      headers: JSON_TYPE,
      pieces: [JSON.stringify({ ...ANSWER, usage })],
    }
    // What others left in the cache is not told, and charged as what a miss would have written (L21).
    const first = await gate.ask({ ...ask(), headers: bearer(pass) })
    expect(first.json.usage).toMatchObject({
      ...{ cache_read_input_tokens: 0, cache_creation_input_tokens: 50 },
    })
    expect(first.headers['x-cost-msat']).toBe('113')
    const answer = await gate.ask({ ...ask(), headers: bearer(pass) })
    expect([answer.status, answer.json.usage]).toEqual([200, usage])
    // 10 at 1, 20 at 0.1, 30 at 2, and 3 of output.
    expect(answer.headers['x-cost-msat']).toBe('75')
    const row = (await gate.ask({ path: '/v1/usage', headers: bearer(pass) })).json.data[0]
    expect(row).toMatchObject({ prompt_tokens: 60, cached_tokens: 20, completion_tokens: 3 })
    await gate.proof()
  })

  it('ends a stream at the balance as at max_tokens, and the upstream with it', async () => {
    const settings = { pricing: { default: '100' } }
    const gate = await startGate({ settings })
    const pass = await gate.buy(20)
    gate.fake.script = {
      ...gate.fake.script,
      headers: EVENTS,
      pieces: [start(), block(), ...Array.from({ length: 200 }, (_, at) => long(at))],
      staysOpen: true,
      paceMs: 1,
    }
    const answer = await gate.ask({ ...ask({ stream: true }), headers: bearer(pass) })
    expect(reads(answer.text).end).toBe('limit')
    expect(eventsOf(answer.text).at(-2)).toMatchObject({ delta: { stop_reason: 'max_tokens' } })
    expect(answer.text).toMatch(/\n\n: satgate cost_msat=\d+\nevent: message_stop\n/)
    await gate.fake.untilAborted()
    expect((await gate.balance(pass)).balance_msat).toBeGreaterThanOrEqual(0)
    await gate.proof()
  })

  it('A3 a buyer who leaves midway pays for what came, and the upstream is stopped', async () => {
    const gate = await startGate()
    const pass = await gate.buy(100)
    gate.fake.script = {
      ...gate.fake.script,
      headers: EVENTS,
      pieces: [start(), block(), says('Hi there, this is some text.')],
      staysOpen: true,
    }
    const stream = await gate.client.open({ ...ask({ stream: true }), headers: bearer(pass) })
    await stream.until('some text')
    stream.leave()
    await gate.fake.untilAborted()
    await until(async () => (await gate.balance(pass)).held_msat === 0)
    const { balance_msat: left } = await gate.balance(pass)
    expect(left).toBeLessThan(100_000)
    expect(left).toBeGreaterThan(99_900)
    await gate.proof()
  })

  it('K8 an error before the first word is a 502 and free; later it ends the stream', async () => {
    const gate = await startGate()
    const pass = await gate.buy(100)
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'secret host' } }
    const failed = `event: error\ndata: ${JSON.stringify(error)}\n\n`
    const script = { ...gate.fake.script, headers: EVENTS }
    gate.fake.script = { ...script, pieces: [start(), failed] }
    const early = await gate.ask({ ...ask({ stream: true }), headers: bearer(pass) })
    expect([early.status, early.json.type, early.json.error.type]).toEqual([
      ...[502, 'error', 'api_error'],
    ])
    expect((await gate.balance(pass)).balance_msat).toBe(100_000)
    gate.fake.script = { ...script, pieces: [start(), block(), says('Hi'), failed] }
    const late = await gate.ask({ ...ask({ stream: true }), headers: bearer(pass) })
    expect(reads(late.text)).toEqual({ made: 'Hi', end: 'error' })
    expect(late.text).toMatch(/\n\n: satgate cost_msat=\d+\n$/)
    expect(early.text + late.text).not.toContain('secret host')
    await gate.proof()
  })

  it('an answer in one piece to a client that asked for a stream is one', async () => {
    const gate = await startGate()
    const pass = await gate.buy(100)
    gate.fake.script = {
      ...gate.fake.script,
      headers: JSON_TYPE,
      pieces: [JSON.stringify(ANSWER)],
    }
    const answer = await gate.ask({ ...ask({ stream: true }), headers: bearer(pass) })
    expect(answer.status).toBe(200)
    const text = answer.headers['content-type']?.startsWith('text/event-stream')
      ? reads(answer.text).made
      : answer.json.content[0].text
    expect(text).toBe('Hi there.')
    await gate.proof()
  })

  it('L20 count_tokens is free, counts by itself, and asks no backend', async () => {
    const gate = await startGate()
    const count = async (content: unknown) =>
      gate.ask({
        path: `${path}/count_tokens`,
        body: { model: 'fake', messages: [{ role: 'user', content }] },
      })
    const short = await count('Hello')
    expect([short.status, short.json.input_tokens]).toEqual([200, expect.any(Number)])
    const more = await count('Hello, how many tokens has this sentence?')
    expect(more.json.input_tokens).toBeGreaterThan(short.json.input_tokens)
    // J19: longer than what all strangers together may have counted.
    const huge = await count('word '.repeat(200_000))
    expect(huge.json.input_tokens).toBeGreaterThan(200_000)
    const refused = await count([{ type: 'container_upload' }])
    expect([refused.status, refused.json.error.type]).toEqual([400, 'invalid_request_error'])
    expect(gate.fake.seen.filter((one) => one.path.startsWith(path))).toEqual([])
    await gate.proof()
  })
})
