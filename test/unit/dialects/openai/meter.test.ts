import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Backend, Granted } from '../../../../src/dialects/dialect.ts'
import { openaiChat } from '../../../../src/dialects/openai/chat.ts'
import { openaiCompletions } from '../../../../src/dialects/openai/completions.ts'
import { openaiEmbeddings } from '../../../../src/dialects/openai/embeddings.ts'
import { clientReads } from '../../../contract/openai.ts'
import { bytes, feed, grant, mustRead, pieces } from '../../../support/dialects.ts'

const request = { model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }
const wanting = { ...request, stream_options: { include_usage: true } }
const DONE = 'data: [DONE]\n\n'
const END = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }

const delta = (delta: object, index = 0) => ({
  id: 'c1',
  created: 5,
  model: 'real',
  object: 'chat.completion.chunk',
  choices: [{ index, delta, finish_reason: null }],
})
const say = (content: string, index = 0) => delta({ content }, index)
const report = (prompt_tokens: unknown, completion_tokens: unknown, more: object = {}) => ({
  choices: [],
  usage: { prompt_tokens, completion_tokens, ...more },
})
const sse = (...chunks: (object | string)[]): string =>
  chunks.map((c) => (typeof c === 'string' ? c : `data: ${JSON.stringify(c)}\n\n`)).join('')

const chat = (of: object = request, granted: Granted = grant(), backend: Backend = 'other') =>
  openaiChat.meter(mustRead(openaiChat, of), granted, backend)

const run = (text: string, of: object = request, granted: Granted = grant()) =>
  feed(chat(of, granted), [bytes(text)])

describe('A9 framing', () => {
  const whole = sse(say('a'), say('b'), END, report(5, 2))
  const plain = run(whole + DONE)
  it.each([
    ['CRLF', (whole + DONE).replaceAll('\n', '\r\n')],
    ['CR alone', (whole + DONE).replaceAll('\n', '\r')],
    ['a byte order mark', `\uFEFF${whole}${DONE}`],
    ['comments and other fields', `: ping\n\nevent: x\nid: 7\nretry: 3\n${whole}:\n\n${DONE}`],
    ['no space behind the colon', (whole + DONE).replaceAll('data: ', 'data:')],
    ['data in several lines', (whole + DONE).replaceAll(',"choices"', ',\ndata: "choices"')],
    [
      'CRLF and several lines',
      (whole + DONE).replaceAll(',"choices"', ',\ndata: "choices"').replaceAll('\n', '\r\n'),
    ],
    ['blank lines between', (whole + DONE).replaceAll('\n\n', '\n\n\n\n')],
    ['no blank line at the end', (whole + DONE).slice(0, -1)],
    ['no line end at the end', (whole + DONE).slice(0, -2)],
  ])('%s', (_, text) => {
    const { seen, usage, out } = run(text)
    expect({ seen, usage }).toEqual({ seen: plain.seen, usage: plain.usage })
    expect(clientReads(out.replaceAll(/\r\n|\r/g, '\n').replace('\uFEFF', ''))).toEqual(
      clientReads(plain.out),
    )
    const wide = run(text, wanting).out
    expect(wide.startsWith(text.trimEnd())).toBe(true)
    for (let at = 0; at < text.length; at += 1) {
      const all = bytes(text)
      const split = feed(chat(), [all.subarray(0, at), all.subarray(at)])
      expect(split).toEqual({ out, seen, usage })
    }
  })

  it('an incomplete event is dropped, so that an error after it can be read', () => {
    const { out, seen } = run(`${sse(say('a'))}data: {"choices":[{"ind`)
    expect(out).toBe(sse(say('a')))
    expect(seen.done).toBe(false)
  })

  it('an event without an end is an error, and takes no more memory', () => {
    const meter = chat()
    const piece = Buffer.alloc(1024 * 1024, 'x')
    for (let i = 0; i < 8; i += 1) meter.stream(piece)
    expect(meter.seen.error).toContain('no end')
    expect(meter.stream(bytes(DONE))).toHaveLength(0)
  })

  it('is complete by its finish_reason, without [DONE]', () => {
    const { seen, usage } = run(sse(say('a'), END))
    expect(seen).toMatchObject({ finished: true, done: false })
    expect(usage).toMatchObject({ input: 7, output: 1, source: 'counted' })
  })
})

describe('ordinary events', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    // So that a text can begin with the text before it.
    fc.nat(5).map((size) => 'ababab'.slice(0, size)),
    fc.constantFrom('', '\n', '"', '\\', '\u2028', 'é', '漢字', '\ud800', '"content":"x"', ' the'),
  )
  const spelling = fc.constantFrom<(text: string) => string>(
    (text) => JSON.stringify(text),
    (text) =>
      JSON.stringify(text).replace(
        /[^\x20-\x7e]/g,
        (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
      ),
    (text) => JSON.stringify(text).replaceAll('/', '\\/'),
  )
  const broken = fc.constantFrom('"a\u0001"', '"\\x"', '"\\u00zz"', '"\\"', 'null', '7', '{"a":1}')
  const key = fc.constantFrom('content', 'reasoning_content', 'reasoning', 'thinking', 'refusal')
  const shape = fc.constantFrom<(key: string, value: string) => string>(
    (key, value) =>
      `data: {"id":"1","choices":[{"index":0,"delta":{"${key}":${value}},"finish_reason":null}],"usage":null}\n\n`,
    (key, value) =>
      `data: {"usage":null,"choices":[{"delta":{"role":"assistant","${key}": ${value}},"index":1}]}\n\n`,
    (key, value) =>
      `data: {"choices":[{"index":0,"delta":{"reasoning":${value},"${key}_":${value}}}]}\r\n\r\n`,
    (key, value) => `data:{"content":"x","choices":[{"index":0,"delta":{"${key}":${value}}}]}\n\n`,
    (key, value) => `data: {"choices":[{"delta":{"${key}" : ${value}}}],"${key}":"x"}\n\n`,
    (key, value) => `data: {"choices":[{"delta":{"${key}":${value}},"finish_reason":"stop"}]}\n\n`,
    (key, value) => `data: {"choices":[{"delta":{"${key}":"a","${key}":${value}}}]}\n\n`,
    (key, value) => `data: {"choices":[{"a\\"${key}":${value},"text":${value}}]}\n\n`,
    (key, value) =>
      `data: {"choices":[{"index":0,"delta":{"${key}":${value}},"message":{"content":${value}}}]}\n`,
    (key, value) => `data: {"choices":[{"delta":{},"text":${value}}],"${key}":""}\n`,
    (key, value) => `data: {"choices":[{"delta":{"${key}":${value},"odd":${value}}}]}\n\n`,
    (key, value) => `data: {"choices":[{"delta":{"${key}":${value}}}],"message":${value}}\n\n`,
    (key, value) => `data: {"choices":{"0":{"delta":{"${key}":${value}}}}}\n`,
    (key, value) =>
      `data: {"choices":[{"delta":{"content":"x"}}],"choices":[{"delta":{"${key}":${value}}}]}\n`,
    (_, value) => `data: {"choices":[{"delta":{"content":${value}},"finish_reason":""}]}\n\n`,
    (_, value) => `data: {"n":NaN,"choices":[{"delta":{"content":${value}}}]}\n\n`,
    (_, value) =>
      `data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":${value}}}]}}]}\n\n`,
    (_, value) =>
      `data: {"choices":[{"text":${value}}],"timings":{"prompt_n":1,"predicted_n":1}}\n\n`,
    (key, value) =>
      `data: {"choices":[{"index":0,"delta":{"${key}":${value},"tool_calls":[{"function":{"arguments":${value}}}]}}]}\n\n`,
  )

  it('A1 are read without parsing exactly as with it', () => {
    const spelled = fc.tuple(text, spelling).map(([text, spell]) => spell(text))
    const value = fc.oneof({ weight: 5, arbitrary: spelled }, { weight: 1, arbitrary: broken })
    const events = fc.array(fc.tuple(shape, key, fc.array(value, { maxLength: 5 })), {
      maxLength: 5,
    })
    fc.assert(
      fc.property(events, fc.boolean(), (runs, asks) => {
        const all = runs.flatMap(([shape, key, values]) => values.map((value) => shape(key, value)))
        const fast = feed(chat(asks ? wanting : request), all.map(bytes))
        // A comment in front keeps events off the fast path.
        const slow = feed(
          chat(asks ? wanting : request),
          all.map((event) => bytes(`:\n${event}`)),
        )
        expect(fast.seen).toEqual(slow.seen)
        expect(fast.usage).toEqual(slow.usage)
        expect(fast.out).toBe(slow.out.replaceAll(/^:\n/gm, ''))
      }),
      { numRuns: 1_000 },
    )
  })

  it('K4 a text that repeats earlier deltas does not fit the fast path', () => {
    const text = (text: string) => ({ choices: [{ index: 0, text }] })
    const both = delta({ content: 'x', refusal: 'y' })
    const chunks = [text('abcdefgh'), text('ijklmnop'), both, text('abcdefghijklmnopxy')]
    const events = chunks.map((chunk) => sse(chunk))
    const fast = feed(chat(), events.map(bytes))
    const slow = feed(
      chat(),
      events.map((event) => bytes(`:\n${event}`)),
    )
    expect(fast.usage).toEqual(slow.usage)
    expect(fast.seen).toEqual(slow.seen)
  })

  it('are passed unchanged: the same bytes, not a copy', () => {
    const meter = chat()
    for (const word of ['a', 'b', 'c', '\n', 'd']) {
      const chunk = bytes(sse(say(word)))
      expect(meter.stream(chunk)).toBe(chunk)
    }
    expect(meter.sofar(7)).toEqual({ input: 7, output: 2 })
  })

  it('K3 are journalled as no more than was granted, unless the backend reports more', () => {
    const meter = chat(request, grant(3))
    meter.stream(bytes(sse(say('four tokens, and no more than four'))))
    expect(meter.sofar(7)).toEqual({ input: 7, output: 3 })
    meter.stream(bytes(sse(report(5, 6))))
    expect(meter.sofar(7)).toEqual({ input: 7, output: 6 })
  })

  it('B6 the_journal_is_not_above_what_was_delivered: indented code has few tokens for its bytes', () => {
    const meter = chat(request, grant(500))
    for (let line = 0; line < 20; line += 1) {
      meter.stream(bytes(sse(say('\n                return value'))))
    }
    const journalled = meter.sofar(7).output ?? 0
    expect(journalled).toBeGreaterThanOrEqual(20)
    expect(journalled).toBeLessThanOrEqual(meter.usage(7).output ?? 0)
  })
})

describe('what counts as output', () => {
  it.each<[string, object]>([
    ['content', { content: 'abcd' }],
    ['parts of content', { content: [{ type: 'text', text: 'abcd' }] }],
    ['A7 reasoning', { reasoning: 'abcd' }],
    ['A7 reasoning_content', { reasoning_content: 'abcd' }],
    ['A7 reasoning under two names, once', { reasoning: 'abcd', reasoning_content: 'abcd' }],
    ['A7 thinking', { thinking: 'abcd' }],
    ['refusal', { refusal: 'abcd' }],
    ['A7 the name of a tool', { tool_calls: [{ index: 0, function: { name: 'abcd' } }] }],
    ['A7 the arguments of a tool', { tool_calls: [{ index: 0, function: { arguments: 'abcd' } }] }],
    ['a custom tool', { tool_calls: [{ custom: { input: 'abcd' } }] }],
    ['function_call', { function_call: { arguments: 'abcd' } }],
  ])('%s', (_, part) => {
    const { seen, usage } = run(sse(delta(part), END))
    expect(seen).toMatchObject({ output: true, floor: 1 })
    expect(usage).toMatchObject({ output: 1, source: 'counted' })
    const long = { ...request, stream: false }
    const meter = chat(long)
    meter.whole(bytes({ choices: [{ index: 0, message: part, finish_reason: 'stop' }] }))
    expect(meter.usage(7)).toMatchObject({ output: 1, source: 'counted' })
  })

  it.each<[string, object]>([
    ['a role', { role: 'assistant', content: '' }],
    ['null', { role: 'assistant', content: null }],
    ['an id', { tool_calls: [{ index: 0, id: 'call_1', type: 'function' }] }],
    ['nothing', {}],
  ])('but not %s', (_, part) => {
    expect(run(sse(delta(part))).seen).toMatchObject({ output: false, floor: 0 })
  })

  it('K3 pieces are not tokens: the text is counted as a whole', () => {
    const text = 'x'.repeat(400)
    expect(run(sse(say(text), END)).usage.output).toBe(100)
    expect(run(sse(...[...text].map((c) => say(c)), END)).usage.output).toBe(100)
    const notes = Array.from({ length: 50 }, () => delta({ content: null, role: 'assistant' }))
    expect(run(sse(...notes, say(text), END)).usage.output).toBe(100)
  })

  it('is counted in bounded memory', () => {
    let longest = 0
    const count = (text: string) => {
      longest = Math.max(longest, text.length)
      return text.length / 4
    }
    const meter = chat(request, { output: 1e6, limit: 1e6, count })
    for (let i = 0; i < 2_000; i += 1) meter.stream(bytes(sse(say('abcd'.repeat(10)))))
    expect(meter.usage(7).output).toBe(20_000)
    expect(longest).toBeLessThanOrEqual(16 * 1024)
  })

  it('K3 is counted only as far as somebody asks', () => {
    let characters = 0
    const count = (text: string) => {
      characters += text.length
      return text.length / 4
    }
    const meter = chat({ ...request, stream: false }, { output: 100, limit: 100, count })
    const message = { content: 'abcd'.repeat(500_000), novel: 'abcd'.repeat(500_000) }
    meter.whole(bytes({ choices: [{ index: 0, message, finish_reason: 'stop' }] }))
    expect(meter.usage(7)).toMatchObject({ output: 100, source: 'counted' })
    expect(meter.seen.over).toBe(true)
    expect(characters).toBeLessThanOrEqual(4 * 16 * 1024)
  })
})

describe('which usage is believed', () => {
  const told = (...chunks: (object | string)[]) => run(sse(...chunks)).usage
  it.each<[string, (object | string)[], object]>([
    [
      'one at the end',
      [say('abc'), END, report(5, 2), DONE],
      { input: 5, output: 2, source: 'reported' },
    ],
    [
      'far below our count',
      [say('x'.repeat(400)), END, report(5, 2)],
      { output: 2, source: 'reported' },
    ],
    ['far above it, within the limit', [say('x'), END, report(5, 900)], { output: 900 }],
    [
      'A7 cached tokens',
      [say('x'), END, report(5, 2, { prompt_tokens_details: { cached_tokens: 4 } })],
      { input: 5, cached: 4 },
    ],
    [
      'never more cached than there are',
      [say('x'), END, report(5, 2, { prompt_tokens_details: { cached_tokens: 9 } })],
      { input: 5, cached: 5 },
    ],
    [
      'A7 reasoning that stands beside the output',
      [
        say('x'),
        END,
        report(5, 2, { total_tokens: 17, completion_tokens_details: { reasoning_tokens: 10 } }),
      ],
      { output: 12 },
    ],
    [
      'A7 reasoning that is a part of it',
      [
        say('x'),
        END,
        report(5, 12, { total_tokens: 17, completion_tokens_details: { reasoning_tokens: 10 } }),
      ],
      { output: 12 },
    ],
    [
      'the last of a running one',
      [
        { ...say('a'), usage: { prompt_tokens: 5, completion_tokens: 1 } },
        { ...say('b'), usage: { prompt_tokens: 5, completion_tokens: 2 } },
        END,
      ],
      { input: 5, output: 2 },
    ],
    ['the last of two', [say('x'), END, report(5, 2), report(5, 3)], { input: 5, output: 3 }],
    [
      'A5 zero where nothing flowed',
      [END, report(0, 0), DONE],
      { input: 0, output: 0, source: 'reported' },
    ],
    [
      'zeros in a chunk that is not the last',
      [{ ...say('a'), ...{ usage: report(0, 0).usage } }, END, report(5, 1)],
      { input: 5, output: 1, source: 'reported' },
    ],
    [
      'not zeros behind a figure',
      [say('a'), END, report(5, 2), report(0, 0)],
      { input: 5, output: 2 },
    ],
    [
      'not zero where something flowed',
      [say('abc'), END, report(0, 0), DONE],
      { input: 7, output: 1, source: 'counted' },
    ],
    [
      'not output 0 where something flowed',
      [say('abc'), END, report(5, 0)],
      { input: 5, output: 1, source: 'counted' },
    ],
    [
      'an output past the limit that did flow',
      [say('x'.repeat(8_000)), END, report(5, 1_500)],
      { input: 5, output: 1_500, source: 'reported' },
    ],
    [
      'none at all: counted, never 0',
      [say('abc'), END, DONE],
      { input: 7, output: 1, source: 'counted' },
    ],
    ['nothing at all', [], { input: 7, output: 0, source: 'none' }],
  ])('%s', (_, chunks, expected) => {
    expect(told(...chunks)).toMatchObject(expected)
  })

  it('tells what was reported of the prompt, for learning, but no impossible figure', () => {
    expect(told(say('a'), END, report(5, 0)).reportedInput).toBe(5)
    expect(told(say('a'), END, report(99_999, 1)).reportedInput).toBeNull()
    expect(told(say('a'), END).reportedInput).toBeNull()
  })

  it('our own count is never above the hold', () => {
    const { usage } = run(sse(say('x'.repeat(40_000)), END), request, grant(20))
    expect(usage).toMatchObject({ output: 20, source: 'counted' })
    const meter = chat()
    meter.stream(bytes(sse(say('a'))))
    expect(meter.usage(1e9).input).toBe(mustRead(openaiChat, request).most.input)
  })
})

describe('several choices', () => {
  const two = { ...request, n: 2 }
  const end = (index: number) => ({ choices: [{ index, delta: {}, finish_reason: 'stop' }] })
  const of = (...chunks: object[]) => run(sse(...chunks), two, grant(1_000, 2))

  it('A15 a usage after each choice is added up, and the prompt is counted once', () => {
    const { usage } = of(
      say('a', 1),
      say('b'),
      end(1),
      report(19, 3),
      say('c'),
      end(0),
      report(19, 4),
    )
    expect(usage).toMatchObject({ input: 19, output: 7, source: 'reported' })
  })

  it('A15 a usage in the last chunk of each choice is added up', () => {
    const last = (index: number, output: number) => ({
      ...end(index),
      usage: report(19, output).usage,
    })
    expect(of(say('a', 1), last(1, 3), say('b'), last(0, 4)).usage).toMatchObject({
      input: 19,
      output: 7,
    })
  })

  it('A15 one usage for both is believed if it is possible; otherwise our own count is used', () => {
    const text = [say('x'.repeat(40)), say('y'.repeat(40), 1), end(0), end(1)]
    expect(of(...text, report(19, 20)).usage).toMatchObject({ output: 20, source: 'reported' })
    expect(of(...text, report(19, 10)).usage).toMatchObject({ output: 20, source: 'counted' })
  })

  it('are finished when all of them are', () => {
    expect(of(say('a'), say('b', 1), end(1)).seen.finished).toBe(false)
    expect(of(say('a'), say('b', 1), end(1), end(0)).seen.finished).toBe(true)
  })

  it('A15 a report for one of several prompts is corrected by the estimate', () => {
    const many = { model: 'm', prompt: ['one text', 'another'] }
    const meter = openaiCompletions.meter(
      mustRead(openaiCompletions, many),
      grant(10, 2),
      'llamacpp',
    )
    const choice = (index: number) => ({ index, text: 'x'.repeat(16), finish_reason: 'length' })
    meter.whole(bytes({ choices: [choice(0), choice(1)], usage: report(2, 4).usage }))
    expect(meter.usage(9)).toMatchObject({
      input: 9,
      output: 8,
      source: 'counted',
      reportedInput: null,
    })
  })

  it('the usage of a batch of embeddings is believed unchanged', () => {
    const batch = { model: 'm', input: ['a', 'b', 'c'] }
    const meter = openaiEmbeddings.meter(mustRead(openaiEmbeddings, batch), grant(0), 'ollama')
    meter.whole(bytes({ data: [{ embedding: [] }], usage: { prompt_tokens: 6, total_tokens: 6 } }))
    expect(meter.usage(30)).toMatchObject({
      input: 6,
      output: 0,
      source: 'reported',
      reportedInput: 6,
    })
  })
})

describe('a stream that exceeds its grant', () => {
  const feedUntil = (granted: Granted, ...chunks: object[]) => {
    const meter = chat(wanting, granted)
    return chunks.findIndex((chunk) => {
      meter.stream(bytes(sse(chunk)))
      return meter.seen.over
    })
  }
  it('by a usage that is reported while it runs', () => {
    const running = [3, 6].map((n) => ({ ...say('a'), usage: report(5, n).usage }))
    expect(feedUntil(grant(5), ...running)).toBe(1)
  })

  const counting = (output: number) => ({
    output,
    limit: output,
    count: (t: string) => t.length / 4,
  })

  it('J16 but not by a report after the end: that is charged, and shown to a client that asked for it', () => {
    const whole = sse(say('a'), END, report(5, 5_120), DONE)
    const { seen, usage, out } = run(whole, wanting)
    expect([seen.over, seen.done, out]).toEqual([false, true, whole])
    expect(usage).toMatchObject({ input: 5, output: 1_000 })
  })

  it('K3 by our own count only if it is four times the grant, however small the pieces', () => {
    const granted = counting(100)
    expect(feedUntil(granted, say('x'.repeat(1_500)))).toBe(-1)
    expect(feedUntil(granted, say('x'.repeat(1_500)), say('x'.repeat(200)))).toBe(1)
    const pieces = Array.from({ length: 2_000 }, () => say('x'))
    const cutAt = feedUntil(granted, ...pieces)
    expect(cutAt).toBeGreaterThan(1_600)
    expect(cutAt).toBeLessThan(1_700)
  })

  it('K4 not by our own count while a running usage tells the number of tokens', () => {
    const running = (text: string, n: number) => ({ ...say(text), usage: report(5, n).usage })
    const many = Array.from({ length: 90 }, (_, i) => running('x'.repeat(100), i + 1))
    expect(feedUntil(counting(100), ...many)).toBe(-1)
    expect(feedUntil(counting(100), ...many, running('x', 101))).toBe(90)
  })

  it('K4 but a usage that does not grow does not count', () => {
    const still = Array.from({ length: 200 }, () => ({
      ...say('x'.repeat(100)),
      usage: report(5, 1).usage,
    }))
    expect(feedUntil(counting(100), ...still)).toBeGreaterThan(15)
    expect(feedUntil(counting(100), ...still)).toBeLessThan(60)
  })

  it('counts nothing while there are few bytes', () => {
    const count = () => expect.fail('counted')
    const meter = chat(request, { output: 100, limit: 100, count })
    for (let i = 0; i < 100; i += 1) meter.stream(bytes(sse(say(' word'))))
    expect(meter.seen).toMatchObject({ over: false, floor: 125 })
  })

  it('K3 and nothing is sent after the event that was too much', () => {
    const event = sse(say('x'.repeat(1_000)))
    const chunk = bytes(event.repeat(20))
    const meter = chat(request, counting(100))
    const out = Buffer.from(meter.stream(chunk)).toString()
    expect(out).toBe(event.repeat(2))
    expect(meter.stream(chunk)).toHaveLength(0)
  })

  it('is cut with its own id and model, for each open choice, and what was held back is dropped', () => {
    const meter = chat({ ...request, n: 3 }, grant(1, 3))
    const finished = { choices: [{ index: 1, delta: {}, finish_reason: 'stop' }] }
    meter.stream(bytes(sse(say('a'), say('b', 1), finished, say('c', 2), 'data: {"choi')))
    const head = { id: 'c1', object: 'chat.completion.chunk', created: 5, model: 'real' }
    const last = (index: number) => ({ index, delta: {}, logprobs: null, finish_reason: 'length' })
    expect(clientReads(Buffer.from(meter.cut()).toString())).toEqual([
      { ...head, choices: [last(0)] },
      { ...head, choices: [last(2)] },
      '[DONE]',
    ])
    expect(meter.finish()).toHaveLength(0)
  })

  it('only ends if it has ended by itself', () => {
    const meter = chat()
    meter.stream(bytes(sse(say('a'), END, DONE)))
    expect(Buffer.from(meter.cut()).toString()).toBe(DONE)
    expect(meter.broken({ code: 'x', message: 'x' })).toHaveLength(0)
  })
})

describe('a stream that ends too early', () => {
  const words = Array.from({ length: 20 }, (_, i) => say(` word${i}`))

  it('I7 that is left before the usage costs what flowed, as staying would have', () => {
    const stayed = run(sse(...words, END, report(7, 20))).usage
    const left = run(sse(...words)).usage
    expect(left).toMatchObject({ input: 7, source: 'counted' })
    expect(left.output).toBeGreaterThanOrEqual(stayed.output ?? 0)
  })

  it('I7 whose usage came early is not charged by it for what came afterwards', () => {
    const early = {
      ...delta({ role: 'assistant' }),
      usage: { prompt_tokens: 5, completion_tokens: 1 },
    }
    expect(run(sse(early, ...words)).usage.output).toBeGreaterThanOrEqual(20)
  })

  it('I5 a failure in the middle leaves what flowed to be charged', () => {
    const { seen, usage, out } = run(
      sse(...words, { error: { message: 'out of memory', code: 500 } }),
    )
    expect(seen).toMatchObject({ error: 'out of memory', output: true, finished: false })
    expect(usage.output).toBeGreaterThanOrEqual(20)
    expect(out).toBe(sse(...words))
  })

  it.each([
    ['data: {"error":"text"}\n\n', 'text'],
    ['data: {"error":{"code":7}}\n\n', 'code 7'],
    ['error: {"code":500}\n\n', '{"code":500}'],
    ['event: error\ndata: {"error":{"message":"m"}}\n\n', 'm'],
  ])('I5 an error before any output: %j', (event, text) => {
    const { seen, usage, out } = run(event)
    expect(seen).toMatchObject({ error: text, output: false })
    expect(usage).toMatchObject({ output: 0, source: 'none' })
    expect(out).toBe('')
  })
})

describe('A2 usage that is only there because the gate asked for it', () => {
  const cut = (event: string) => run(sse(END) + event).out.slice(sse(END).length)
  it.each([
    [
      '{"choices":[{"delta":{"content":"a"}}],"usage":null}',
      '{"choices":[{"delta":{"content":"a"}}]}',
    ],
    [
      '{"usage":null,"choices":[{"delta":{"content":"é"}}]}',
      '{"choices":[{"delta":{"content":"é"}}]}',
    ],
    [
      '{"id":"é", "usage" : {"a":[1,{}]} , "choices":[{"finish_reason":"stop"}]}',
      '{"id":"é" , "choices":[{"finish_reason":"stop"}]}',
    ],
    ['{"choices":[],"usage":null}', '{"choices":[]}'],
    [
      '{"choices":[{"delta":{"content":"a"},"logprobs":-Infinity}],"usage":null}',
      '{"choices":[{"delta":{"content":"a"},"logprobs":-Infinity}]}',
    ],
  ])('is cut out of %s', (data, left) => {
    expect(cut(`data: ${data}\n\n`)).toBe(`data: ${left}\n\n`)
  })

  it.each([
    '{"choices":[],"usage":{}}',
    '{"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1}}',
  ])('as the only content it is left out: %s', (data) => {
    expect(cut(`data: ${data}\n\n`)).toBe('')
  })

  it('is cut out of data in several lines', () => {
    const lines = '{"choices":[{"delta":\n{"content":"a"}}],\n"usage"\n:null,"id":"x"}'
    const event = `data: ${lines.replaceAll('\n', '\ndata:')}\n\n`
    expect(clientReads(cut(event))).toEqual([{ choices: [{ delta: { content: 'a' } }], id: 'x' }])
  })

  it('whatever the pieces', () => {
    const all = bytes(
      sse(
        ...['a', 'b', 'c', 'd'].map((t) => ({ ...say(t), usage: null })),
        END,
        report(5, 4),
        DONE,
      ),
    )
    const once = feed(chat(), [all])
    expect(once.out).toBe(sse(...['a', 'b', 'c', 'd'].map((t) => say(t)), END, DONE))
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 20 }), (cuts) => {
        expect(feed(chat(), pieces(all, cuts))).toEqual(once)
      }),
    )
  })
})
