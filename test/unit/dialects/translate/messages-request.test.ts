import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../../src/dialects/kit/json.ts'
import { messagesToChat } from '../../../../src/dialects/translate/messages-request.ts'
import { Saying } from '../../../../src/dialects/translate/saying.ts'

/** A request as one to chat completions, the part that cannot be said, and what is left out. */
function translates(request: object) {
  const said = new Saying('the Messages API')
  const chat = messagesToChat(said, request as JsonObject)
  return { chat, refused: said.refusal?.param ?? null, leftOut: [...said.leftOut] }
}

const HI = { role: 'user', content: 'hi' }
const hi = (more: object) => ({ model: 'm', messages: [HI], ...more })
const user = (...content: readonly object[]) => ({ messages: [{ role: 'user', content }] })
const text = (text: string, more: object = {}) => ({ type: 'text', text, ...more })
const PNG = { type: 'base64', media_type: 'image/png', data: 'AAAA' }
const ADD = { name: 'add', description: 'Adds.', input_schema: { type: 'object' } }
const CACHED = { cache_control: { type: 'ephemeral' } }

describe('a request to Messages as one to chat completions', () => {
  it.each<readonly [what: string, request: object, chat: object]>([
    ['a text', hi({}), { model: 'm', messages: [HI] }],
    ['the output limit is the gate’s', hi({ max_tokens: 5 }), { model: 'm', messages: [HI] }],
    [
      'sampling',
      hi({ temperature: 0.5, top_p: 0.9, top_k: 40, stream: true }),
      { model: 'm', messages: [HI], temperature: 0.5, top_p: 0.9, top_k: 40, stream: true },
    ],
    [
      'a system prompt',
      hi({ system: 'Be brief.' }),
      { model: 'm', messages: [{ role: 'system', content: 'Be brief.' }, HI] },
    ],
    [
      'a system prompt in blocks, one of them cached',
      hi({ system: [text('Be brief.', CACHED), text('Be kind.')] }),
      { model: 'm', messages: [{ role: 'system', content: 'Be brief.\nBe kind.' }, HI] },
    ],
    [
      'blocks of text',
      user(text('a'), text('b')),
      { messages: [{ role: 'user', content: 'a\nb' }] },
    ],
    [
      'a picture as base64',
      user(text('a'), { type: 'image', source: PNG }),
      {
        messages: [
          {
            role: 'user',
            content: [
              text('a'),
              { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
            ],
          },
        ],
      },
    ],
    [
      'a picture by URL',
      user({ type: 'image', source: { type: 'url', url: 'https://a.example/b.png' } }),
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image_url', image_url: { url: 'https://a.example/b.png' } }],
          },
        ],
      },
    ],
    [
      'a call of a tool, its thinking and its result',
      {
        messages: [
          HI,
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'Hm.', signature: 'x' },
              text('I add.'),
              { type: 'tool_use', id: 't1', name: 'add', input: { a: 1 } },
              { type: 'tool_use', id: 't2', name: 'add', input: {} },
            ],
          },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: 't1', content: [text('1'), text('2')] },
              { type: 'tool_result', tool_use_id: 't2', content: '3', is_error: false },
              text('Go on.'),
            ],
          },
        ],
      },
      {
        messages: [
          HI,
          {
            role: 'assistant',
            content: 'I add.',
            reasoning_content: 'Hm.',
            tool_calls: [
              { id: 't1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } },
              { id: 't2', type: 'function', function: { name: 'add', arguments: '{}' } },
            ],
          },
          { role: 'tool', tool_call_id: 't1', content: '1\n2' },
          { role: 'tool', tool_call_id: 't2', content: '3' },
          { role: 'user', content: 'Go on.' },
        ],
      },
    ],
    [
      'tools',
      hi({
        tools: [
          { ...ADD, ...CACHED },
          { type: 'custom', name: 'b', input_schema: {}, strict: true },
        ],
      }),
      {
        model: 'm',
        messages: [HI],
        tools: [
          {
            type: 'function',
            function: { name: 'add', description: 'Adds.', parameters: { type: 'object' } },
          },
          { type: 'function', function: { name: 'b', parameters: {}, strict: true } },
        ],
      },
    ],
    [
      'stop sequences',
      hi({ stop_sequences: ['x', 'y'] }),
      { model: 'm', messages: [HI], stop: ['x', 'y'] },
    ],
    ['no stop sequences', hi({ stop_sequences: [] }), { model: 'm', messages: [HI] }],
    [
      'thinking that is off',
      hi({ thinking: { type: 'disabled' } }),
      { model: 'm', messages: [HI] },
    ],
    [
      'thinking that adapts',
      hi({ thinking: { type: 'adaptive' } }),
      { model: 'm', messages: [HI] },
    ],
    [
      'effort',
      hi({ output_config: { effort: 'low' } }),
      { model: 'm', messages: [HI], reasoning_effort: 'low' },
    ],
    [
      'a schema of the answer',
      hi({ output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } }),
      {
        model: 'm',
        messages: [HI],
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'answer', schema: { type: 'object' }, strict: true },
        },
      },
    ],
  ])('%s', (_, request, chat) => {
    expect(translates(request)).toEqual({ chat, refused: null, leftOut: [] })
  })

  it.each([
    [{ type: 'auto' }, { tool_choice: 'auto' }],
    [{ type: 'any' }, { tool_choice: 'required' }],
    [{ type: 'none' }, { tool_choice: 'none' }],
    [
      { type: 'tool', name: 'add' },
      { tool_choice: { type: 'function', function: { name: 'add' } } },
    ],
    [
      { type: 'auto', disable_parallel_tool_use: true },
      { tool_choice: 'auto', parallel_tool_calls: false },
    ],
    [{ type: 'auto', disable_parallel_tool_use: false }, { tool_choice: 'auto' }],
  ])('the choice %j', (tool_choice, chosen) => {
    const { tools: _, ...chat } = translates(hi({ tools: [ADD], tool_choice })).chat
    expect(chat).toEqual({ model: 'm', messages: [HI], ...chosen })
  })

  it.each<readonly [leftOut: string, request: object]>([
    ['metadata', hi({ metadata: { user_id: 'u' } })],
    ['cache_control', hi(CACHED)],
    ['thinking.display', hi({ thinking: { type: 'adaptive', display: 'omitted' } })],
    [
      'tool_result.is_error',
      user({ type: 'tool_result', tool_use_id: 't', content: 'no', is_error: true }),
    ],
  ])('leaves out %s, and says so', (leftOut, request) => {
    expect(translates(request)).toMatchObject({ refused: null, leftOut: [leftOut] })
  })

  it.each<readonly [param: string, request: object]>([
    ['thinking.budget_tokens', hi({ thinking: { type: 'enabled', budget_tokens: 1024 } })],
    ['thinking.type', hi({ thinking: { type: 'other' } })],
    ['output_config.effort', hi({ output_config: { effort: 'max' } })],
    ['output_config.other', hi({ output_config: { other: 1 } })],
    ['output_config.format', hi({ output_config: { format: { type: 'text' } } })],
    ['tools[0]', hi({ tools: [{ type: 'bash_20250124', name: 'bash' }] })],
    ['tools[0].defer_loading', hi({ tools: [{ ...ADD, defer_loading: true }] })],
    ['tool_choice.type', hi({ tools: [ADD], tool_choice: { type: 'other' } })],
    ['messages[0].content[0]', user({ type: 'document', source: { type: 'text' } })],
    [
      'messages[0].content[0].source',
      user({ type: 'image', source: { type: 'file', file_id: 'f' } }),
    ],
    ['messages[0].content[0].citations', user(text('a', { citations: [{}] }))],
    [
      'messages[0].content[0].content[0]',
      user({
        ...{ type: 'tool_result', tool_use_id: 't' },
        content: [{ type: 'image', source: PNG }],
      }),
    ],
    ['messages[0].role', { messages: [{ role: 'system', content: 'a' }] }],
    [
      'messages[1].content[0]',
      {
        messages: [
          HI,
          { role: 'assistant', content: [{ type: 'redacted_thinking', data: 'x' }] },
          HI,
        ],
      },
    ],
    ['messages[1]', { messages: [HI, { role: 'assistant', content: 'The answer is' }] }],
    ['messages[0].name', { messages: [{ ...HI, name: 'a' }] }],
  ])('refuses %s by name', (param, request) => {
    expect(translates(request).refused).toBe(param)
  })
})
