import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../../src/dialects/kit/json.ts'
import { responsesToChat } from '../../../../src/dialects/translate/responses-request.ts'
import { Saying } from '../../../../src/dialects/translate/saying.ts'

/** A request as one to chat completions, the part that cannot be said, and what is left out. */
function translates(request: object) {
  const said = new Saying('the Responses API')
  const chat = responsesToChat(said, request as JsonObject)
  return { chat, refused: said.refusal?.param ?? null, leftOut: [...said.leftOut] }
}

const HI = { role: 'user', content: 'hi' }
const hi = (more: object) => ({ model: 'm', input: 'hi', ...more })
const input = (...items: readonly object[]) => ({ input: items })
const user = (...content: readonly object[]) => input({ role: 'user', content })
const says = (text: string) => ({ type: 'input_text', text })
const said = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] })
const call = (id: string, given = '{}') => ({
  ...{ type: 'function_call', id: `fc_${id}`, status: 'completed' },
  ...{ call_id: id, name: 'add', arguments: given },
})
const called = (id: string, given = '{}') => ({
  ...{ id, type: 'function', function: { name: 'add', arguments: given } },
})
const result = (id: string, output: unknown) => ({
  ...{ type: 'function_call_output', call_id: id, output },
})
const ADD = { type: 'function', name: 'add', parameters: { type: 'object' }, strict: false }

describe('a request to Responses as one to chat completions', () => {
  it.each<readonly [what: string, request: object, chat: object]>([
    ['a text', hi({}), { model: 'm', messages: [HI] }],
    [
      'the output limit is the gate’s',
      hi({ max_output_tokens: 5 }),
      { model: 'm', messages: [HI] },
    ],
    [
      'sampling',
      hi({ temperature: 0.5, top_p: 0.9, stream: true, seed: 3, stop: ['x'] }),
      {
        model: 'm',
        messages: [HI],
        temperature: 0.5,
        top_p: 0.9,
        stream: true,
        seed: 3,
        stop: ['x'],
      },
    ],
    [
      'instructions and the developer’s message after them are one system message',
      {
        instructions: 'Be brief.',
        input: [
          { role: 'developer', content: [says('Be kind.')] },
          { type: 'message', ...HI },
        ],
      },
      { messages: [{ role: 'system', content: 'Be brief.\n\nBe kind.' }, HI] },
    ],
    [
      'a later one stays where it is',
      input(HI, { role: 'developer', content: 'Be kind.' }, HI),
      { messages: [HI, { role: 'system', content: 'Be kind.' }, HI] },
    ],
    [
      'parts of text',
      user(says('a'), says('b')),
      { messages: [{ role: 'user', content: 'a\nb' }] },
    ],
    [
      'a picture and sound',
      user(
        says('a'),
        { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'low' },
        { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
      ),
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'a' },
              {
                type: 'image_url',
                image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' },
              },
              { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
            ],
          },
        ],
      },
    ],
    [
      'calls, thinking and results',
      input(
        HI,
        {
          type: 'reasoning',
          id: 'rs',
          summary: [],
          content: [{ type: 'reasoning_text', text: 'Hm.' }],
        },
        { type: 'message', id: 'msg', role: 'assistant', content: [said('I add.')] },
        call('a', '{"x":1}'),
        call('b'),
        result('a', '1'),
        result('b', [says('2'), says('3')]),
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Again.' }] },
        call('c'),
        result('c', '4'),
      ),
      {
        messages: [
          HI,
          {
            ...{ role: 'assistant', content: 'I add.', reasoning_content: 'Hm.' },
            tool_calls: [called('a', '{"x":1}'), called('b')],
          },
          { role: 'tool', tool_call_id: 'a', content: '1' },
          { role: 'tool', tool_call_id: 'b', content: '2\n3' },
          { role: 'assistant', reasoning_content: 'Again.', tool_calls: [called('c')] },
          { role: 'tool', tool_call_id: 'c', content: '4' },
        ],
      },
    ],
    [
      'a refusal of before',
      input(HI, { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }, HI),
      { messages: [HI, { role: 'assistant', content: 'No.' }, HI] },
    ],
    [
      'tools',
      hi({ tools: [ADD], tool_choice: 'required', parallel_tool_calls: false }),
      {
        ...{ model: 'm', messages: [HI], tool_choice: 'required', parallel_tool_calls: false },
        tools: [
          {
            type: 'function',
            function: { name: 'add', parameters: { type: 'object' }, strict: false },
          },
        ],
      },
    ],
    [
      'a namespace: its functions get the name of both, also in calls and choices',
      {
        input: [HI, { ...call('a'), namespace: 'math' }, result('a', '1')],
        tools: [{ type: 'namespace', name: 'math', description: 'Sums.', tools: [ADD] }],
        tool_choice: { type: 'function', name: 'add', namespace: 'math' },
      },
      {
        messages: [
          HI,
          {
            role: 'assistant',
            tool_calls: [
              { id: 'a', type: 'function', function: { name: 'math__add', arguments: '{}' } },
            ],
          },
          { role: 'tool', tool_call_id: 'a', content: '1' },
        ],
        tools: [
          {
            type: 'function',
            function: {
              ...{ name: 'math__add', description: 'Sums.' },
              ...{ parameters: { type: 'object' }, strict: false },
            },
          },
        ],
        tool_choice: { type: 'function', function: { name: 'math__add' } },
      },
    ],
    [
      'no tools: then nothing chooses among them',
      hi({ tools: [], tool_choice: 'auto', parallel_tool_calls: false }),
      { model: 'm', messages: [HI] },
    ],
    [
      'usual settings',
      hi({
        store: true,
        background: false,
        truncation: 'disabled',
        service_tier: 'auto',
        text: { format: { type: 'text' }, verbosity: 'medium' },
        top_logprobs: 0,
      }),
      { model: 'm', messages: [HI] },
    ],
    [
      'the form of the answer, its length and effort',
      hi({
        text: {
          format: { type: 'json_schema', name: 'x', schema: {}, strict: true },
          verbosity: 'low',
        },
        reasoning: { effort: 'high' },
      }),
      {
        ...{ model: 'm', messages: [HI], verbosity: 'low', reasoning_effort: 'high' },
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'x', schema: {}, strict: true },
        },
      },
    ],
  ])('%s', (_, request, chat) => {
    expect(translates(request)).toEqual({ chat, refused: null, leftOut: [] })
  })

  it.each([
    ['auto', undefined],
    ['none', 'none'],
    ['required', 'required'],
    [
      { type: 'function', name: 'add' },
      { type: 'function', function: { name: 'add' } },
    ],
  ])('the choice %j', (tool_choice, chosen) => {
    expect(translates(hi({ tools: [ADD], tool_choice })).chat.tool_choice).toEqual(chosen)
  })

  it.each<readonly [leftOut: string, request: object]>([
    ['metadata', hi({ metadata: { a: 'b' } })],
    ['user', hi({ user: 'u' })],
    ['prompt_cache_key', hi({ prompt_cache_key: 'k' })],
    ['stream_options', hi({ stream_options: { include_obfuscation: false } })],
    ['reasoning.summary', hi({ reasoning: { summary: 'auto' } })],
    ['reasoning.encrypted_content', hi({ include: ['reasoning.encrypted_content'] })],
    ['max_tool_calls', hi({ max_tool_calls: 3 })],
  ])('leaves out %s, and says so', (leftOut, request) => {
    expect(translates(request)).toMatchObject({ refused: null, leftOut: [leftOut] })
  })

  it.each<readonly [param: string, request: object]>([
    ['background', hi({ background: true })],
    ['truncation', hi({ truncation: 'auto' })],
    ['service_tier', hi({ service_tier: 'priority' })],
    ['top_logprobs', hi({ top_logprobs: 3 })],
    ['include[0]', hi({ include: ['message.output_text.logprobs'] })],
    ['reasoning.other', hi({ reasoning: { other: 1 } })],
    ['text.format.type', hi({ text: { format: { type: 'grammar' } } })],
    ['tools[0]', hi({ tools: [{ type: 'custom', name: 'x', format: { type: 'grammar' } }] })],
    ['tools[0]', hi({ tools: [{ type: 'local_shell' }] })],
    [
      'tools[0].tools[0]',
      hi({ tools: [{ type: 'namespace', name: 'a', tools: [{ type: 'custom', name: 'b' }] }] }),
    ],
    [
      'tools[0].tools[0].name',
      hi({ tools: [{ type: 'namespace', name: 'a'.repeat(60), tools: [ADD] }] }),
    ],
    [
      'tools',
      hi({
        tools: [
          { type: 'namespace', name: 'a', tools: [ADD] },
          { ...ADD, name: 'a__add' },
        ],
      }),
    ],
    [
      'tool_choice',
      hi({ tools: [ADD], tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [] } }),
    ],
    ['input[0]', input({ type: 'item_reference', id: 'x' })],
    ['input[0]', input({ type: 'custom_tool_call', call_id: 'x', name: 'y', input: 'z' })],
    [
      'input[0].encrypted_content',
      input({ type: 'reasoning', summary: [], encrypted_content: 'x' }),
    ],
    ['input[0].content[0]', user({ type: 'input_file', file_id: 'f' })],
    [
      'input[0].content[0].file_id',
      user({ type: 'input_image', image_url: 'data:', file_id: 'f' }),
    ],
    [
      'input[0].output[0]',
      input(result('a', [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA' }])),
    ],
    ['input[0].role', input({ role: 'critic', content: 'a' })],
  ])('refuses %s by name', (param, request) => {
    expect(translates(request).refused).toBe(param)
  })
})
