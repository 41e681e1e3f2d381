import { describe, expect, it } from 'vitest'
import type { Meter } from '../../../../src/dialects/dialect.ts'
import { openaiResponses } from '../../../../src/dialects/responses/dialect.ts'
import { msat } from '../../../../src/money/msat.ts'
import { bytes, feed, mustRead } from '../../../support/dialects.ts'
import {
  completed,
  created,
  delta,
  event,
  eventsOf,
  ITEM,
  message,
  opened,
  part,
  reads,
  repeated,
  response,
  stream,
  USAGE,
} from './response-events.ts'

const REQUEST = { model: 'fake', input: 'Hello', stream: true }

/** A token is four characters. */
const meter = (output = 1_000): Meter =>
  openaiResponses.meter(
    mustRead(openaiResponses, REQUEST),
    { output, limit: output, count: (text) => Math.ceil(text.length / 4) },
    'other',
  )

const run = (text: string, output?: number) => feed(meter(output), [bytes(text)])
const text = (raw: Uint8Array): string => Buffer.from(raw).toString()

/** A stream of the Responses API whose usage nobody reports. */
const unreported = (words: string) =>
  created + opened + delta(words) + repeated(words) + completed(words, { usage: null })

describe('K4 a text that comes four times is counted once', () => {
  const call = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'addition' }
  const think = { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: '' }] }
  const given = '{"first":1,"second":2}'

  it.each<[string, string, number]>([
    ['a message', unreported('twelve chars'), 3],
    ['one short word', unreported('Hi'), 1],
    [
      'a message without places, as llama.cpp writes it',
      created +
        event('response.output_item.added', { item: { ...ITEM, content: [] } }) +
        event('response.output_text.delta', { item_id: 'msg_1', delta: 'twelve chars' }) +
        event('response.output_text.done', { item_id: 'msg_1', text: 'twelve chars' }) +
        event('response.output_item.done', { item: message('twelve chars') }) +
        completed('twelve chars', { usage: null }),
      3,
    ],
    [
      'a message whose id changes at the end',
      created +
        opened +
        delta('twelve chars') +
        event('response.completed', {
          response: response([{ ...message('twelve chars'), id: 'msg_9' }], { usage: null }),
        }),
      3,
    ],
    [
      'a message that no delta has brought',
      created +
        event('response.output_item.done', { output_index: 0, item: message('twelve chars') }) +
        completed('twelve chars', { usage: null }),
      3,
    ],
    [
      'a message that only its id tells from others',
      created +
        event('response.output_text.delta', { item_id: 'msg_0', delta: 'some' }) +
        event('response.output_text.delta', { item_id: 'msg_1', delta: 'twelve chars' }) +
        completed('twelve chars', { usage: null }),
      1 + 3,
    ],
    [
      'a message that is another item at the end',
      created +
        opened +
        delta('twelve chars') +
        repeated('twelve chars') +
        event('response.completed', {
          response: response([{ id: 'x' }, { ...message('twelve chars'), id: 'y' }], {
            usage: null,
          }),
        }),
      3,
    ],
    [
      'text that only the response at the end has',
      created +
        opened +
        delta('twelve chars') +
        completed('twelve chars and more', { usage: null }),
      5 + 1, // the rest is a piece of its own
    ],
    [
      'a call of a function: its name and its arguments',
      created +
        event('response.output_item.added', { output_index: 0, item: { ...call, arguments: '' } }) +
        event('response.function_call_arguments.delta', {
          ...{ item_id: 'fc_1', output_index: 0, delta: given },
        }) +
        event('response.function_call_arguments.done', {
          ...{ item_id: 'fc_1', output_index: 0, arguments: given },
        }) +
        event('response.output_item.done', {
          output_index: 0,
          item: { ...call, arguments: given },
        }) +
        event('response.completed', {
          response: response([{ ...call, arguments: given }], { usage: null }),
        }),
      2 + 6,
    ],
    [
      'thinking and its summary, but not what is encrypted of it',
      created +
        event('response.output_item.added', { output_index: 0, item: { ...think, summary: [] } }) +
        event('response.reasoning_summary_text.delta', {
          ...{ item_id: 'rs_1', output_index: 0, summary_index: 0, delta: 'a summary' },
        }) +
        event('response.reasoning_text.delta', {
          ...{ item_id: 'rs_1', output_index: 0, content_index: 0, delta: 'all of the thinking' },
        }) +
        event('response.output_item.done', {
          output_index: 0,
          item: {
            ...think,
            summary: [{ type: 'summary_text', text: 'a summary' }],
            content: [{ type: 'reasoning_text', text: 'all of the thinking' }],
            encrypted_content: 'gAAAA'.repeat(99),
          },
        }) +
        event('response.completed', { response: response([], { usage: null }) }),
      3 + 5,
    ],
    [
      'thinking in parts, as vLLM writes it',
      created +
        event('response.output_item.added', { output_index: 0, item: { ...think, summary: [] } }) +
        event('response.reasoning_text.delta', {
          ...{ item_id: 'rs_1', output_index: 0, content_index: 0, delta: 'twelve chars' },
        }) +
        event('response.reasoning_part.done', {
          ...{ item_id: 'rs_1', output_index: 0, content_index: 0 },
          part: { type: 'reasoning_text', text: 'twelve chars' },
        }) +
        event('response.completed', { response: response([], { usage: null }) }),
      3,
    ],
    [
      'two messages that say the same',
      created +
        opened +
        delta('the same') +
        event('response.output_text.delta', {
          item_id: 'msg_2',
          output_index: 1,
          delta: 'the same',
        }) +
        event('response.completed', { response: response([], { usage: null }) }),
      2 + 2,
    ],
    [
      'a member that nobody knows',
      created +
        opened +
        event('response.odd', { secret: 'twelve chars' }) +
        completed('', { usage: null }),
      3,
    ],
  ])('%s', (_, events, output) => {
    const { usage, seen } = run(events)
    expect(usage).toMatchObject({ output, source: 'counted' })
    expect(seen).toMatchObject({ done: true, over: false, error: null })
  })

  it('A1 in any pieces', () => {
    const whole = bytes(unreported('twelve chars'))
    for (let at = 0; at < whole.length; at += 7) {
      const { usage } = feed(meter(), [whole.subarray(0, at), whole.subarray(at)])
      expect(usage.output).toBe(3)
    }
  })
})

describe('what is reported', () => {
  it.each<[string, object, object]>([
    ['A7 with thinking inside the output', USAGE, { input: 5, cached: 2, output: 3 }],
    [
      'K10 a total above both: the rest is output',
      { input_tokens: 5, output_tokens: 3, total_tokens: 20 },
      { input: 5, output: 15 },
    ],
    [
      'J16 thinking that cannot be inside',
      { ...USAGE, output_tokens_details: { reasoning_tokens: 40 } },
      { output: 43 },
    ],
    ['K11 a cache in another place', { ...USAGE, cached_tokens: 4 }, { cached: 4 }],
    [
      'the words of chat completions',
      { prompt_tokens: 5, completion_tokens: 3 },
      { input: 5, output: 3 },
    ],
    ['A6 a figure that is none', { input_tokens: -5, output_tokens: 'x' }, { input: 7, output: 3 }],
    [
      'A6 more than fits into the prompt',
      { ...USAGE, input_tokens: 1e9 },
      { input: mustRead(openaiResponses, REQUEST).most.input + 2_048, source: 'counted' },
    ],
  ])('%s', (_, usage, expected) => {
    const words = 'twelve chars'
    const end = completed(words, { usage })
    expect(run(created + opened + delta(words) + repeated(words) + end).usage).toMatchObject(
      expected,
    )
    const whole = meter()
    whole.whole(bytes(response([message(words)], { usage })))
    expect(whole.usage(7)).toMatchObject(expected)
  })

  it('K3 a report above the grant, at the end, cuts nothing that was delivered', () => {
    const { out, seen, usage } = run(stream('twelve chars'), 2)
    expect(reads(out)).toEqual({ made: 'twelve chars', end: 'done' })
    expect(seen.over).toBe(false)
    // Our own count is above the grant too, so the report is believed.
    expect(usage).toMatchObject({ output: 3, source: 'reported' })
  })
})

describe('L18 a status that is not final is charged its ceiling', () => {
  const { input } = mustRead(openaiResponses, REQUEST).most
  it.each<[string, object, boolean]>([
    ['completed', { status: 'completed' }, false],
    ['no status', { status: undefined }, false],
    [
      'incomplete, for a reason',
      { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
      false,
    ],
    ['in_progress', { status: 'in_progress' }, true],
    ['queued', { status: 'queued', output: [], usage: null }, true],
    ['incomplete, for no reason', { status: 'incomplete', incomplete_details: null }, true],
  ])('%s', (_, more, ceiling) => {
    const one = meter(50)
    expect(one.whole(bytes(response([message('twelve chars')], { ...more })))).not.toBeNull()
    const expected = ceiling
      ? { input, cached: 0, output: 50, source: 'counted', reportedInput: null }
      : { input: 5, cached: 2, output: 3, source: 'reported' }
    expect(one.usage(7)).toEqual(expect.objectContaining(expected))
  })
})

describe('K8 an error in a 200', () => {
  const failed = event('response.failed', {
    response: response([], {
      status: 'failed',
      error: { code: 'server_error', message: 'It broke.' },
    }),
  })
  it.each([
    ['response.failed', failed],
    [
      'the same without an error',
      event('response.failed', { response: response([], { status: 'failed' }) }),
    ],
    ['an event with the name error', event('error', { code: 'x', message: 'It broke.' })],
    ['an error in an event without a name', 'data: {"error":{"message":"It broke."}}\n\n'],
    [
      'an end that failed',
      event('response.completed', { response: response([], { status: 'failed' }) }),
    ],
    ['a cancelled response', event('response.cancelled', { response: response([]) })],
    ['an end without a response', event('response.completed', {})],
  ])('%s: nothing of it leaves, and before any output nothing at all', (_, end) => {
    const { out, seen } = run(created + opened + delta('Half of') + end)
    expect(out).toBe(created + opened + delta('Half of'))
    expect(seen).toMatchObject({ done: false, output: true })
    expect(seen.error).not.toBeNull()
    const alone = run(created + end)
    expect(alone.out).toBe('')
    expect(alone.usage).toMatchObject({ output: 0, source: 'none' })
  })
})

describe('J9 what cannot be read is not delivered', () => {
  const deep = `${'['.repeat(200)}"secret"${']'.repeat(200)}`
  it.each([
    ['JSON that is cut off', 'data: {"type":"response.output_text.delta","delta":"secret"\n\n'],
    ['a text', 'data: secret\n\n'],
    ['a list', 'data: [{"delta":"secret"}]\n\n'],
    ['deep nesting', `data: {"type":"response.output_item.done","item":{"content":${deep}}}\n\n`],
    ['deep arguments', `data: {"item":{"type":"function_call","arguments":${deep}}}\n\n`],
    ['a deep member that nobody knows', `data: {"type":"response.odd","odd":${deep}}\n\n`],
  ])('%s', (_, odd) => {
    const { out, seen, usage } = run(created + opened + delta('word') + odd + delta('secret'))
    expect(out).not.toContain('secret')
    expect(out).toContain('word')
    expect(seen.error).not.toBeNull()
    expect(usage).toMatchObject({ output: 1, source: 'counted' })
  })
})

describe('J8 what was not granted is not delivered', () => {
  const long = 'word '.repeat(2_000)

  it('a whole response ends as at a limit, with the usage of what is shown', () => {
    const one = meter(5)
    const whole = one.whole(bytes(response([message(long), message('more')])))
    const short = JSON.parse(text(whole ?? Buffer.alloc(0)))
    expect(short).toMatchObject({ id: 'resp_1', status: 'incomplete' })
    expect(short.incomplete_details).toEqual({ reason: 'max_output_tokens' })
    expect(short.output).toHaveLength(1)
    expect(short.output[0].content[0].text.length).toBeLessThanOrEqual(5 * 4)
    expect(short.usage).toEqual({ input_tokens: 5, output_tokens: 3, total_tokens: 8 })
  })

  it('a call is shown whole or not at all, and encrypted thinking is not shown in part', () => {
    const think = {
      ...{ type: 'reasoning', id: 'rs_1', encrypted_content: 'gAAA' },
      summary: [{ type: 'summary_text', text: long }],
    }
    const call = { type: 'function_call', call_id: 'c', name: 'run', arguments: `"${long}"` }
    for (const item of [think, call]) {
      const whole = meter(5).whole(bytes(response([item])))
      const { output } = JSON.parse(text(whole ?? Buffer.alloc(0)))
      expect(output).toHaveLength(item === call ? 0 : 1)
      expect(JSON.stringify(output)).not.toContain('gAAA')
    }
  })

  it.each<[string, string]>([
    ['one delta', created + opened + delta(long)],
    [
      'an item that is whole at once',
      created +
        opened +
        event('response.output_item.done', { output_index: 0, item: message(long) }),
    ],
    ['the response at the end', created + opened + completed(long)],
  ])('a stream that brings it in %s', (_, events) => {
    const one = meter(5)
    const out = text(one.stream(bytes(events))) + text(one.cut(msat(7n)))
    expect(one.seen).toMatchObject({ over: true })
    expect(out.length).toBeLessThan(long.length)
    expect(reads(out).end).toBe('limit')
    const last = eventsOf(out).at(-1)?.response
    expect(JSON.stringify(last).length).toBeLessThan(2_000)
    expect(last).toMatchObject({
      ...{ id: 'resp_1', created_at: 7, model: 'fake', status: 'incomplete' },
      incomplete_details: { reason: 'max_output_tokens' },
    })
  })
})

describe('the end that the gate writes', () => {
  /** The stream as far as these events, and then its end. */
  const cutAfter = (events: string) => {
    const one = meter()
    const out = text(one.stream(bytes(events)))
    return { out, end: text(one.cut(msat(1n))) }
  }

  it('K2 closes the message that is open, in the order of the API, and goes on with its numbers', () => {
    const numbered = (type: string, data: object, sequence_number: number) =>
      event(type, { sequence_number, ...data })
    const item = { ...ITEM, status: 'in_progress', content: [] }
    const { end } = cutAfter(
      numbered(
        'response.created',
        { response: response([], { status: 'in_progress', usage: null }) },
        0,
      ) +
        numbered('response.output_item.added', { output_index: 0, item }, 1) +
        numbered(
          'response.output_text.delta',
          { output_index: 0, item_id: 'msg_1', delta: 'Ha' },
          7,
        ),
    )
    const events = eventsOf(end)
    expect(events.map(({ type, sequence_number }) => [type, sequence_number])).toEqual([
      ['response.output_text.done', 8],
      ['response.content_part.done', 9],
      ['response.output_item.done', 10],
      ['response.incomplete', 11],
    ])
    const done = { ...ITEM, status: 'incomplete', content: [part('Ha')] }
    expect(events[0]).toMatchObject({
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      text: 'Ha',
    })
    expect(events[2]).toMatchObject({ output_index: 0, item: done })
    expect(events[3]?.response).toMatchObject({ output: [done], usage: { output_tokens: 1 } })
  })

  it.each(['function_call', 'custom_tool_call'])(
    'never ends a %s that was cut: to a program that would say that it is whole',
    (type) => {
      const member = type === 'function_call' ? 'arguments' : 'input'
      const kind = type === 'function_call' ? 'function_call_arguments' : 'custom_tool_call_input'
      const call = {
        type,
        id: 'fc_1',
        call_id: 'c',
        name: 'run',
        status: 'in_progress',
        [member]: '',
      }
      const { end } = cutAfter(
        created +
          event('response.output_item.added', { output_index: 0, item: call }) +
          event(`response.${kind}.delta`, {
            output_index: 0,
            item_id: 'fc_1',
            delta: 'rm -rf /tm',
          }),
      )
      const events = eventsOf(end)
      expect(events.map(({ type }) => type)).toEqual(['response.incomplete'])
      expect(events[0]?.response).toMatchObject({
        output: [{ ...call, status: 'incomplete', [member]: 'rm -rf /tm' }],
      })
    },
  )

  it('is whole for a backend that told nothing of its response', () => {
    const { end } = cutAfter(delta('Hal'))
    expect(eventsOf(end).at(-1)?.response).toMatchObject({
      ...{ id: 'resp_satgate', object: 'response', created_at: 0, model: 'fake', tools: [] },
      output: [{ type: 'message', role: 'assistant', content: [part('Hal')] }],
    })
  })

  it('K8 [DONE] without an end gets one, and [DONE] after the end is left out', () => {
    const alone = run(`${created + opened + delta('Hi')}data: [DONE]\n\n`)
    expect(reads(alone.out)).toEqual({ made: 'Hi', end: 'done' })
    const both = run(`${stream('Hi')}data: [DONE]\n\n`)
    expect(both.out).toBe(stream('Hi'))
  })

  it('the cost is a comment in the last event, at whatever end', () => {
    const one = meter()
    one.stream(bytes(stream('Hi')))
    expect(text(one.finish(msat(52n)))).toBe(`: satgate cost_msat=52\n${completed('Hi')}`)
    const broken = meter()
    broken.stream(bytes(created + opened + delta('Hi')))
    const end = text(broken.broken({ code: 'upstream_error', message: 'It broke.' }, msat(52n)))
    expect(end).toMatch(/^: satgate cost_msat=52\nevent: response\.failed\ndata: \{/)
    expect(eventsOf(end)[0]?.response).toMatchObject({
      ...{ status: 'failed', error: { code: 'upstream_error', message: 'It broke.' } },
      output: [{ content: [part('Hi')] }],
    })
  })

  it('a response in one piece is a stream of all its items, to somebody whose stream has begun', () => {
    const items = [
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm.' }] },
      message('Hi'),
      { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'add', arguments: '{}' },
    ]
    const one = meter()
    const whole = one.whole(bytes(response(items)))
    const events = eventsOf(text(one.asStream(whole ?? Buffer.alloc(0), msat(1n))))
    expect(events.map(({ type }) => String(type).replace('response.', ''))).toEqual([
      ...['created', 'in_progress'],
      ...['output_item.added', 'reasoning_summary_part.added', 'reasoning_summary_text.delta'],
      ...['reasoning_summary_text.done', 'reasoning_summary_part.done', 'output_item.done'],
      ...['output_item.added', 'content_part.added', 'output_text.delta'],
      ...['output_text.done', 'content_part.done', 'output_item.done'],
      ...['output_item.added', 'function_call_arguments.delta', 'function_call_arguments.done'],
      ...['output_item.done', 'completed'],
    ])
    expect(events.at(-1)?.response).toMatchObject({ output: items })
  })
})

describe('K2 K7 events that are not as usual', () => {
  it('a beginning that repeats a long request is no failure', () => {
    const instructions = 'word '.repeat(40_000)
    const begun = event('response.created', { response: response([], { instructions }) })
    const events = [begun, begun.replaceAll('created', 'in_progress'), stream('Hi')]
    const { seen, usage, out } = feed(meter(), events.map(bytes))
    expect([seen.error, usage.output]).toEqual([null, 3])
    expect(out).toContain(instructions)
  })

  it('K7 events parted by one line feed, or without names, are each an event', () => {
    const tight = stream('Hi', ' you').replaceAll('\n\n', '\n')
    expect(reads(run(`${tight}\n`).out)).toEqual({ made: 'Hi you', end: 'done' })
    const nameless = stream('Hi', ' you').replaceAll(/event: .*\n/g, '')
    expect(run(nameless)).toMatchObject({ out: nameless, usage: { output: 3, source: 'reported' } })
  })

  it('D7 a keep-alive is a comment with one line feed, wherever it comes', () => {
    const one = meter()
    let out = text(one.keepAlive())
    for (const piece of stream('Hi', ' you').split(/(?<=\n\n)/)) {
      out += text(one.stream(bytes(piece))) + text(one.keepAlive())
    }
    out += text(one.finish(msat(1n)))
    expect(out).not.toMatch(/^:.*\n\n/m)
    expect(reads(out)).toEqual({ made: 'Hi you', end: 'done' })
  })
})

describe('J16 thinking that a client cannot read, and can send back, is not free to whoever leaves', () => {
  const item = (sealed: string, content: readonly object[] = []) =>
    event('response.output_item.done', {
      output_index: 0,
      item: { id: 'rs_1', type: 'reasoning', summary: [], content, encrypted_content: sealed },
    })
  const sealed = 'Ab3_'.repeat(1_256)
  const plain = [{ type: 'reasoning_text', text: 'So.' }]

  it.each([
    ['sealed thinking', item(sealed), 500],
    ['a short seal has no thinking in it', item('Ab3_'.repeat(200)), 0],
    ['beside the same thinking in plain text', item(sealed, plain), 1],
  ])('%s', (_, events, output) => {
    expect(run(created + events).usage).toMatchObject({ output })
  })

  it('is never more than was granted, and a report tells what it was', () => {
    expect(run(created + item(sealed), 40).usage).toMatchObject({ output: 40 })
    const reported =
      created + item(sealed) + event('response.completed', { response: response([]) })
    expect(run(reported).usage).toMatchObject({ output: 3, source: 'reported' })
  })
})
