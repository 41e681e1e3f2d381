import { describe, expect, it } from 'vitest'
import { anthropicMessages } from '../../../../src/dialects/anthropic/messages.ts'
import type { Backend } from '../../../../src/dialects/dialect.ts'
import { bytes, feed, grant, mustRead, pieces } from '../../../support/dialects.ts'
import {
  ANSWER,
  block,
  ends,
  eventsOf,
  named,
  OVER,
  REQUEST,
  reads,
  STREAM,
  says,
  start,
  stop,
} from './sample.ts'

const meter = (output?: number, backend: Backend = 'other') =>
  anthropicMessages.meter(
    mustRead(anthropicMessages, { ...REQUEST, stream: true }),
    grant(output),
    backend,
  )
const run = (stream: string, backend?: Backend) => feed(meter(undefined, backend), [bytes(stream)])
const text = (out: Uint8Array): string => Buffer.from(out).toString()
const HI = `${block()}${says('Hi there.')}${stop()}`

describe('the habits of backends cost the same, and a client reads the same:', () => {
  it.each<[string, string]>([
    ['K1 a stop_reason "" before the end', STREAM.replace(stop(), stop() + ends({}, ''))],
    ['K1 a stop_reason "null" before the end', STREAM.replace(stop(), stop() + ends({}, 'null'))],
    ['K7 events parted by one line feed', `${STREAM.replaceAll('\n\n', '\n')}\n`],
    ['K7 events parted by one CR LF', `${STREAM.replaceAll('\n\n', '\r\n')}\r\n`],
    ['J9 CR LF at every end', STREAM.replaceAll('\n', '\r\n')],
    [
      'J9 pings and comments between',
      STREAM.replaceAll('\n\n', `\n\n: x\n\n${named({ type: 'ping' })}`),
    ],
    ['J9 a byte order mark', `\uFEFF${STREAM}`],
    ['no message_stop', STREAM.replace(OVER, '')],
    ['[DONE] behind it', `${STREAM}data: [DONE]\n\n`],
    ['[DONE] in its place', STREAM.replace(OVER, 'data: [DONE]\n\n')],
    [
      'zeros at its beginning',
      STREAM.replace(start(), start({ input_tokens: 0 })).replace(
        ends(),
        ends({ input_tokens: 5, output_tokens: 3 }),
      ),
    ],
    ['zeros at its end', STREAM.replace(ends(), ends({ input_tokens: 0, output_tokens: 3 }))],
    ['usage in every event', STREAM.replace(stop(), stop() + ends({ output_tokens: 2 }, null))],
  ])('%s', (_, stream) => {
    const whole = bytes(stream)
    const bent = run(stream)
    expect(bent.usage).toMatchObject({ input: 5, output: 3, source: 'reported' })
    expect(bent.seen).toMatchObject({ error: null, finished: true, over: false })
    for (let at = 0; at <= whole.length; at += 7)
      expect(feed(meter(), pieces(whole, [at]))).toEqual(bent)
  })
})

describe('what a report comes to', () => {
  it.each<[string, object, object, object]>([
    [
      'the input is the sum of three figures',
      { input_tokens: 10, cache_read_input_tokens: 20, cache_creation_input_tokens: 30 },
      { output_tokens: 3 },
      { input: 60, cached: 20, cacheWrite: 30, output: 3 },
    ],
    [
      'a later figure replaces an earlier one',
      { input_tokens: 10, output_tokens: 1 },
      { input_tokens: 12, cache_read_input_tokens: 4, output_tokens: 3 },
      { input: 16, cached: 4, output: 3 },
    ],
    [
      'everything may be in the cache',
      { input_tokens: 0, cache_read_input_tokens: 9 },
      { output_tokens: 3 },
      { input: 9, cached: 9, output: 3 },
    ],
  ])('%s', (_, first, last, usage) => {
    expect(run(`${start(first)}${HI}${ends(last)}${OVER}`).usage).toMatchObject(usage)
  })

  it('the first figure of Ollama is a guess, also if the stream breaks off', () => {
    const begun = `${start({ input_tokens: 3, output_tokens: 0 })}${block()}${says('Hi there.')}`
    expect(run(begun, 'ollama').usage).toMatchObject({ input: 7, source: 'counted' })
    expect(run(begun, 'llamacpp').usage).toMatchObject({ input: 3 })
  })

  it('A6 nonsense is counted, never 0', () => {
    for (const figure of [null, -1, 0.5, '5', {}, true]) {
      const usage = { input_tokens: figure, output_tokens: figure }
      const { usage: counted } = run(`${start(usage)}${HI}${ends(usage)}${OVER}`)
      expect(counted).toMatchObject({ input: 7, source: 'counted' })
      expect(counted.output).toBeGreaterThan(0)
    }
  })

  it('J16 a huge figure is charged at its bound, and its parts with it', () => {
    const usage = { input_tokens: 1, cache_read_input_tokens: 1e9, cache_creation_input_tokens: 9 }
    const { usage: counted } = run(`${start(usage)}${HI}${ends()}${OVER}`)
    const { input = 0, cached = 0, cacheWrite = 0 } = counted
    expect(input).toBeLessThan(10_000)
    expect(cached + cacheWrite).toBeLessThanOrEqual(input)
  })
})

describe('K8 J9 what is no answer', () => {
  it.each<[string, string]>([
    ['an error at once', named({ type: 'error', error: { message: 'no' } })],
    ['an error after the beginning', start() + named({ type: 'error', error: { message: 'no' } })],
    ['an error without a type', `${start()}data: {"error":"no"}\n\n`],
    ['an error of another API', `${start()}data: {"object":"error","message":"no"}\n\n`],
    ['[DONE] alone', 'data: [DONE]\n\n'],
    ['an end without a word or a reason', start() + OVER],
    ['chunks of chat', 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'],
    ['what nobody can read', `${start()}data: [1]\n\n`],
  ])('%s', (_, stream) => {
    const { out, seen } = run(stream)
    expect(seen.error).not.toBeNull()
    expect(out).not.toContain('message_start')
    // Nothing flowed, so the gate releases all that it held, whatever was reported.
    expect(seen.output).toBe(false)
  })

  it('an answer without a word is one, if it says why it ended', () => {
    const { seen, out } = run(`${start()}${ends()}${OVER}`)
    expect(seen).toMatchObject({ error: null, done: true })
    expect(reads(out)).toEqual({ made: '', end: 'done' })
  })
})

describe('the end that the gate writes', () => {
  const open = `${start()}${block()}${says('Hi')}${stop()}${block(1)}${says(' there', 1)}`

  it('stops the blocks that are open, then ends as at max_tokens', () => {
    const one = meter()
    const out = text(one.stream(bytes(open))) + text(one.cut())
    expect(reads(out)).toEqual({ made: 'Hi there', end: 'limit' })
    expect(eventsOf(out).slice(-3)).toMatchObject([
      { type: 'content_block_stop', index: 1 },
      { type: 'message_delta', delta: { stop_reason: 'max_tokens' } },
      { type: 'message_stop' },
    ])
  })

  it('begins the message first if nothing of it has left', () => {
    const one = meter()
    expect(text(one.stream(bytes(start())))).toBe('')
    expect(reads(text(one.cut())).end).toBe('limit')
  })

  it('is an error with Anthropic’s shape', () => {
    const one = meter()
    const out = text(one.stream(bytes(open))) + text(one.broken({ code: 'x', message: 'Broke.' }))
    expect(eventsOf(out).at(-1)).toEqual({
      type: 'error',
      error: { type: 'api_error', message: 'Broke.' },
    })
  })
})

describe('J8 an answer in one piece that is too much', () => {
  const long = 'word '.repeat(900)
  const whole = (content: readonly object[], output = 10) => {
    const usage = { input_tokens: 5, output_tokens: 900 }
    const out = meter(output).whole(bytes({ ...ANSWER, content, usage }))
    return JSON.parse(text(out ?? new Uint8Array(0)))
  }

  it('ends at max_tokens, with the usage of what is shown', () => {
    const short = whole([{ type: 'text', text: long }])
    expect(short).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 10 } })
    expect(short.content[0].text.length).toBeLessThan(200)
  })

  it('shows a call of a tool whole or not at all, and nothing after it', () => {
    const call = { type: 'tool_use', id: 't', name: 'n', input: { text: long } }
    const short = whole([{ type: 'text', text: 'Hi' }, call, { type: 'text', text: 'late' }])
    expect(short.content).toEqual([{ type: 'text', text: 'Hi' }])
  })

  it('cuts thinking, and takes off a signature that would not fit', () => {
    const short = whole([{ type: 'thinking', thinking: long, signature: 'c2ln' }])
    expect(short.content[0]).toMatchObject({ type: 'thinking', signature: '' })
  })
})

it('an answer in one piece becomes the events that an SDK builds it from', () => {
  const content = [
    { type: 'thinking', thinking: 'Hm.', signature: 'c2ln' },
    { type: 'text', text: 'Hi.' },
    { type: 'tool_use', id: 't', name: 'n', input: { a: 1 } },
  ]
  const one = meter()
  const out = one.whole(bytes({ ...ANSWER, content, stop_reason: 'tool_use' }))
  const stream = text(one.asStream(out ?? new Uint8Array(0)))
  expect(reads(stream)).toEqual({ made: 'Hm.Hi.{"a":1}', end: 'done' })
  const deltas = eventsOf(stream).filter(({ type }) => type === 'content_block_delta')
  expect(deltas.map(({ delta }) => (delta as { type: string }).type)).toEqual([
    'thinking_delta',
    'signature_delta',
    'text_delta',
    'input_json_delta',
  ])
})

it('A7 thinking, calls of tools and their names count as output; signatures and base64 do not', () => {
  const counted = (delta: object) =>
    run(`${start({})}${block()}${named({ type: 'content_block_delta', index: 0, delta })}`).usage
  const thing = 'c2lnbmF0dXJl'.repeat(40)
  expect(counted({ type: 'thinking_delta', thinking: thing }).output).toBeGreaterThan(100)
  expect(counted({ type: 'input_json_delta', partial_json: thing }).output).toBeGreaterThan(100)
  expect(counted({ type: 'signature_delta', signature: thing }).output).toBe(0)
})

describe('J16 thinking that a client cannot read, and can send back, is not free to whoever leaves', () => {
  const SEALED = 'Ab3_'.repeat(4_256)
  const signature = named({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'signature_delta', signature: SEALED },
  })
  const thinking = block(0, { type: 'thinking', thinking: '', signature: '' })
  const thought = named({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'thinking_delta', thinking: 'So.' },
  })
  const answers = `${stop(0)}${block(1)}${says('Hi', 1)}`
  const redacted = block(0, { type: 'redacted_thinking', data: SEALED })

  it.each([
    ['a signature without its thinking', `${thinking}${signature}`, 2_000],
    ['a block that is sealed', redacted, 2_000],
    ['a signature beside its thinking is a copy', `${thinking}${thought}${signature}`, 0],
  ])('%s', (_, sealed, tokens) => {
    const { usage } = run(`${start()}${sealed}${answers}`)
    expect(Number(usage.output)).toBeGreaterThanOrEqual(Math.min(tokens, 1_000))
    expect(Number(usage.output)).toBeLessThan(tokens + 10)
    const reported = run(`${start()}${sealed}${answers}${ends({ output_tokens: 30 })}${OVER}`)
    expect(reported.usage).toMatchObject({ output: 30, source: 'reported' })
  })
})

describe('K3 text beside what an event is about is charged', () => {
  const words = 'word '.repeat(40)
  it.each([
    ['content_block_delta', { index: 0, text: words, delta: { type: 'text_delta', text: 'a' } }],
    ['content_block_delta', { index: 0, delta: words }],
    ['content_block_stop', { index: 0, content_block: { type: 'text', text: words } }],
    ['ping', { text: words }],
    ['message_stop', { message: { content: [{ type: 'text', text: words }] } }],
  ])('%s %j', (type, more) => {
    const { usage } = run(`${start()}${block()}${says('Hi')}${named({ type, ...more })}`)
    expect(Number(usage.output)).toBeGreaterThan(30)
  })
})
