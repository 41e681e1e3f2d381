import { describe, expect, it } from 'vitest'
import { openaiChat } from '../../../../src/dialects/openai/chat.ts'
import { messagesTranslation } from '../../../../src/dialects/translate/messages.ts'
import { responsesTranslation } from '../../../../src/dialects/translate/responses.ts'
import type { Translation } from '../../../../src/dialects/translate/translated.ts'
import { TranslatingMeter } from '../../../../src/dialects/translate/translating-meter.ts'
import { msat } from '../../../../src/money/msat.ts'
import { bytes, grant, mustRead } from '../../../support/dialects.ts'
import { answered, streamed } from './chat-answers.ts'

const asked = mustRead(openaiChat, {
  ...{ model: 'fake', stream: true, messages: [{ role: 'user', content: 'Hello' }] },
  stream_options: { include_usage: true },
})

const meterOf = (translation: Translation, request = {}, output = 1_000): TranslatingMeter => {
  const kept = translation.keeps(request)
  return new TranslatingMeter(
    openaiChat.meter(asked, grant(output), 'other'),
    (whole) => translation.writer(asked, kept, whole),
    () => 5,
  )
}

const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString()
const events = (stream: string) =>
  stream
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)))

/** A whole answer as the client sees it. */
const whole = (
  translation: Translation,
  message: object,
  reason?: string,
  more = {},
  request = {},
) => {
  const shown = meterOf(translation, request).whole(bytes(answered({ ...message }, reason, more)))
  return shown === null ? null : JSON.parse(text(shown))
}

/** The events of a stream as the client sees them. */
function stream(translation: Translation, deltas: readonly object[], reason?: string) {
  const meter = meterOf(translation)
  const chat = streamed(
    deltas.map((delta) => ({ ...delta })),
    reason,
  )
  const shown = text(meter.stream(bytes(chat))) + text(meter.finish(msat(7n)))
  // The names of the events are their types.
  const names = [...shown.matchAll(/^event: (.*)$/gm)].map(([, name]) => name)
  expect(names).toEqual(events(shown).map(({ type }) => type))
  expect(shown.trimEnd().split('\n\n').at(-1)).toContain(': satgate cost_msat=7\n')
  return events(shown)
}

const piece = (index: number, given: string, begins?: object) => ({
  tool_calls: [
    begins === undefined
      ? { index, function: { arguments: given } }
      : { index, ...begins, function: { name: 'add', arguments: given } },
  ],
})
const calls = [
  { role: 'assistant', content: null, ...piece(0, '', { id: 'a', type: 'function' }) },
  piece(0, '{"x":'),
  piece(0, '1}'),
  piece(1, '{}', { id: 'b' }),
]
const USED = { input_tokens: 3, cache_creation_input_tokens: 0, cache_read_input_tokens: 2 }

describe('an answer as one of Messages', () => {
  const answer = (message: object, reason?: string, more = {}, request = {}) =>
    whole(messagesTranslation, message, reason, more, request)

  it('in one piece', () => {
    expect(answer({ content: 'Hi.' })).toEqual({
      ...{ id: 'msg_x', type: 'message', role: 'assistant', model: 'fake' },
      content: [{ type: 'text', text: 'Hi.' }],
      ...{ stop_reason: 'end_turn', stop_sequence: null },
      usage: { ...USED, output_tokens: 3 },
    })
  })

  it.each<
    readonly [what: string, message: object, reason: string, content: object[], stop: string]
  >([
    [
      'thinking',
      { reasoning_content: 'Hm.', content: 'Hi.' },
      'stop',
      [
        { type: 'thinking', thinking: 'Hm.', signature: '' },
        { type: 'text', text: 'Hi.' },
      ],
      'end_turn',
    ],
    [
      'thinking in parts, under two names',
      {
        reasoning: 'Hm.',
        reasoning_content: 'Hm.',
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'So.' }] },
          { type: 'text', text: 'Hi.' },
        ],
      },
      'stop',
      [
        { type: 'thinking', thinking: 'Hm.So.', signature: '' },
        { type: 'text', text: 'Hi.' },
      ],
      'end_turn',
    ],
    [
      'calls',
      {
        content: null,
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'add', arguments: '{"x":1}' } },
          { id: 'b', type: 'function', function: { name: 'add', arguments: '' } },
          { id: 'c', type: 'function', function: { name: 'add', arguments: { y: 2 } } },
        ],
      },
      'tool_calls',
      [
        { type: 'tool_use', id: 'a', name: 'add', input: { x: 1 } },
        { type: 'tool_use', id: 'b', name: 'add', input: {} },
        { type: 'tool_use', id: 'c', name: 'add', input: { y: 2 } },
      ],
      'tool_use',
    ],
    [
      'a call without an id, with the reason stop',
      { tool_calls: [{ function: { name: 'add', arguments: '{}' } }] },
      'stop',
      [{ type: 'tool_use', id: 'call_0', name: 'add', input: {} }],
      'tool_use',
    ],
    ['the limit', { content: 'Hi' }, 'length', [{ type: 'text', text: 'Hi' }], 'max_tokens'],
    ['a filter', { content: 'Hi' }, 'content_filter', [{ type: 'text', text: 'Hi' }], 'refusal'],
    ['a refusal', { refusal: 'No.' }, 'stop', [{ type: 'text', text: 'No.' }], 'refusal'],
    [
      'the limit in a call, which is left out',
      { content: 'Hi', tool_calls: [{ id: 'a', function: { name: 'add', arguments: '{"x":' } }] },
      'length',
      [{ type: 'text', text: 'Hi' }],
      'max_tokens',
    ],
  ])('in one piece: %s', (_, message, reason, content, stop) => {
    expect(answer(message, reason)).toMatchObject({ content, stop_reason: stop })
  })

  it('with the sequence that stopped it, if the server tells it', () => {
    const request = { stop_sequences: ['x'] }
    const stopped = (told: unknown) =>
      answer({ content: 'a' }, 'stop', { stop_reason: told }, request)
    expect(stopped('x')).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'x' })
    for (const other of ['y', 7, null]) {
      expect(stopped(other)).toMatchObject({ stop_reason: 'end_turn', stop_sequence: null })
    }
  })

  it('J14 with the text of a call whose arguments are no JSON, which is no failure', () => {
    const call = { id: 'a', function: { name: 'add', arguments: '{"x":' } }
    expect(answer({ tool_calls: [call] }, 'tool_calls')).toMatchObject({
      content: [{ type: 'text', text: '{"x":' }],
      stop_reason: 'end_turn',
    })
  })

  it('in a stream: thinking, text, calls in pieces', () => {
    const deltas = [
      { reasoning_content: 'Hm' },
      { reasoning_content: '.' },
      { content: 'Hi' },
      { content: '.' },
    ]
    expect(stream(messagesTranslation, [...deltas, ...calls], 'tool_calls')).toEqual([
      {
        type: 'message_start',
        message: {
          ...{ id: 'msg_x', type: 'message', role: 'assistant', model: 'fake', content: [] },
          ...{ stop_reason: null, stop_sequence: null },
          usage: { input_tokens: 0, output_tokens: 0 },
        },
      },
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'thinking', thinking: '', signature: '' },
      },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: '.' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Hi' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: '.' } },
      { type: 'content_block_stop', index: 1 },
      {
        type: 'content_block_start',
        index: 2,
        content_block: { type: 'tool_use', id: 'a', name: 'add', input: {} },
      },
      {
        type: 'content_block_delta',
        index: 2,
        delta: { type: 'input_json_delta', partial_json: '{"x":' },
      },
      {
        type: 'content_block_delta',
        index: 2,
        delta: { type: 'input_json_delta', partial_json: '1}' },
      },
      { type: 'content_block_stop', index: 2 },
      {
        type: 'content_block_start',
        index: 3,
        content_block: { type: 'tool_use', id: 'b', name: 'add', input: {} },
      },
      {
        type: 'content_block_delta',
        index: 3,
        delta: { type: 'input_json_delta', partial_json: '{}' },
      },
      { type: 'content_block_stop', index: 3 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'tool_use', stop_sequence: null },
        usage: { ...USED, output_tokens: 3 },
      },
      { type: 'message_stop' },
    ])
  })
})

describe('an answer as one of Responses', () => {
  const output = (message: object, reason?: string) => whole(responsesTranslation, message, reason)

  it.each<readonly [what: string, message: object, reason: string, items: object[], more: object]>([
    [
      'thinking and text',
      { reasoning_content: 'Hm.', content: 'Hi.' },
      'stop',
      [
        { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'Hm.' }] },
        { type: 'message', status: 'completed', content: [{ type: 'output_text', text: 'Hi.' }] },
      ],
      { status: 'completed', incomplete_details: null },
    ],
    [
      'calls',
      { tool_calls: [{ id: 'a', function: { name: 'add', arguments: '{"x":1}' } }] },
      'tool_calls',
      [
        {
          type: 'function_call',
          call_id: 'a',
          name: 'add',
          arguments: '{"x":1}',
          status: 'completed',
        },
      ],
      { status: 'completed' },
    ],
    [
      'a refusal after text, in one message',
      { content: 'Well.', refusal: 'No.' },
      'stop',
      [
        {
          type: 'message',
          content: [
            { type: 'output_text', text: 'Well.' },
            { type: 'refusal', refusal: 'No.' },
          ],
        },
      ],
      { status: 'completed' },
    ],
    [
      'the limit',
      { content: 'Hi' },
      'length',
      [{ type: 'message', status: 'incomplete', content: [{ text: 'Hi' }] }],
      { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    ],
    [
      'a filter',
      { content: 'Hi' },
      'content_filter',
      [{ type: 'message', status: 'incomplete' }],
      { status: 'incomplete', incomplete_details: { reason: 'content_filter' } },
    ],
  ])('in one piece: %s', (_, message, reason, items, more) => {
    expect(output(message, reason)).toMatchObject({ output: items, ...more })
  })

  it('tells a function of a namespace apart again', () => {
    const tools = [{ type: 'namespace', name: 'math', tools: [{ type: 'function', name: 'add' }] }]
    const named = (name: string) => {
      const call = { id: 'a', function: { name, arguments: '{}' } }
      const { output } = whole(
        ...([responsesTranslation, { tool_calls: [call] }, 'tool_calls', {}, { tools }] as const),
      )
      return output
    }
    expect(named('math__add')).toMatchObject([{ namespace: 'math', name: 'add' }])
    for (const other of ['add', 'toString', '__proto__']) {
      expect(named(other)).toMatchObject([{ name: other }])
      expect(named(other)[0]).not.toHaveProperty('namespace')
    }
  })

  it('repeats the settings of its request', () => {
    const request = { metadata: { a: 'b' }, temperature: 0.5, tool_choice: 'none' }
    const shown = meterOf(responsesTranslation, request).whole(bytes(answered({ content: 'a' })))
    expect(JSON.parse(text(shown))).toMatchObject(request)
  })

  it('in a stream: thinking, text, calls in pieces', () => {
    const shown = stream(
      responsesTranslation,
      [{ reasoning_content: 'Hm.' }, { content: 'Hi' }, { content: '.' }, ...calls],
      'tool_calls',
    )
    expect(shown.map(({ sequence_number: number }) => number)).toEqual(shown.map((_, at) => at))
    expect(
      shown.map(({ type, output_index: at = '', delta = '' }) => `${type} ${at} ${delta}`.trim()),
    ).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added 0',
      'response.content_part.added 0',
      'response.reasoning_text.delta 0 Hm.',
      'response.reasoning_text.done 0',
      'response.content_part.done 0',
      'response.output_item.done 0',
      'response.output_item.added 1',
      'response.content_part.added 1',
      'response.output_text.delta 1 Hi',
      'response.output_text.delta 1 .',
      'response.output_text.done 1',
      'response.content_part.done 1',
      'response.output_item.done 1',
      'response.output_item.added 2',
      'response.function_call_arguments.delta 2 {"x":',
      'response.function_call_arguments.delta 2 1}',
      'response.function_call_arguments.done 2',
      'response.output_item.done 2',
      'response.output_item.added 3',
      'response.function_call_arguments.delta 3 {}',
      'response.function_call_arguments.done 3',
      'response.output_item.done 3',
      'response.completed',
    ])
    const { response } = shown.at(-1)
    const done = shown.filter(({ type }) => type === 'response.output_item.done')
    expect(response.output).toEqual(done.map(({ item }) => item))
    expect(response.output.map(({ id }: { id: string }) => id)).toEqual([
      'rs_x_0',
      'msg_x_1',
      'fc_x_2',
      'fc_x_3',
    ])
    expect(response.usage).toMatchObject({ input_tokens: 5, output_tokens: 3, total_tokens: 8 })
  })
})

describe.each([
  ['Messages', messagesTranslation],
  ['Responses', responsesTranslation],
] as const)('a stream of %s that does not end by itself', (_, translation) => {
  const half = streamed([{ role: 'assistant', content: 'Hi' }, ...calls.slice(0, 2)])
    .split('data: ')
    .slice(0, 4)
    .join('data: ')

  it('K3, J8 that is cut ends as at a limit, and a call that was cut short is not completed', () => {
    const meter = meterOf(translation)
    const shown = events(text(meter.stream(bytes(half))) + text(meter.cut(msat(7n))))
    const last = shown.at(-1)
    if (last.type === 'message_stop') {
      expect(shown.at(-2).delta.stop_reason).toBe('max_tokens')
    } else {
      expect(last).toMatchObject({
        type: 'response.incomplete',
        response: { incomplete_details: { reason: 'max_output_tokens' } },
      })
      expect(last.response.output.at(-1)).toMatchObject({
        type: 'function_call',
        status: 'incomplete',
      })
      expect(shown.filter(({ type }) => type === 'response.output_item.done')).toHaveLength(1)
    }
  })

  it('that breaks off ends with an error', () => {
    const meter = meterOf(translation)
    meter.stream(bytes(half))
    const shown = text(meter.broken({ code: 'upstream_error', message: 'It broke off.' }, msat(7n)))
    expect(shown).toContain('It broke off.')
    expect(events(shown).at(-1).type).toMatch(/^(?:error|response\.failed)$/)
    expect(meter.finish()).toHaveLength(0)
  })

  it('that makes more than was granted shows no more than the meter of chat lets through', () => {
    const meter = meterOf(translation, {}, 10)
    const flood = streamed([{ content: 'word '.repeat(2_000) }])
    const out = text(meter.stream(bytes(flood)))
    expect(meter.seen.over).toBe(true)
    const shown = out + text(meter.cut())
    // 160 characters: four times ten tokens. Responses says each text five times.
    expect(shown.split('word').length).toBeLessThan(200)
  })

  it('J9 goes on with a call after another one began: what cannot be said ends it with an error', () => {
    const meter = meterOf(translation)
    meter.stream(
      bytes(
        streamed([...calls, piece(0, 'more')]).split(
          'data: {"id":"chatcmpl-x","object":"chat.completion.chunk","created":7,"model":"fake","choices":[{"index":0,"finish_reason":"tool_calls"',
        )[0],
      ),
    )
    expect(meter.seen.error).toContain('another one had begun')
    expect(meter.seen.output).toBe(true)
    expect(text(meter.broken({ code: 'x', message: 'No.' }))).toContain('No.')
  })

  it('has the counted usage if the backend reports none', () => {
    const meter = meterOf(translation)
    const silent = streamed([{ content: 'Hi there.' }]).replace(/data: [^\n]*"usage"[^\n]*\n\n/, '')
    const shown = events(text(meter.stream(bytes(silent))) + text(meter.finish()))
    const { output = 0 } = meter.usage(5)
    expect(JSON.stringify(shown)).toContain(`"output_tokens":${output}`)
    expect(output).toBeGreaterThan(0)
  })

  it('J14 that came in one piece, to a client whose stream has begun', () => {
    const meter = meterOf(translation)
    const alive = text(meter.keepAlive())
    const answer = meter.whole(
      bytes(
        answered(
          { content: 'Hi.', tool_calls: [{ id: 'a', function: { name: 'add', arguments: '{}' } }] },
          'tool_calls',
        ),
      ),
    )
    const shown = alive + text(meter.asStream(answer ?? bytes(''), msat(7n)))
    expect(shown).toContain('Hi.')
    expect(shown).toContain('cost_msat=7')
    expect(events(shown).at(-1).type).toMatch(/^(?:message_stop|response\.completed)$/)
  })
})
