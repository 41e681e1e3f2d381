import { describe, expect, it } from 'vitest'
import type { Backend } from '../../../../src/dialects/dialect.ts'
import { UNKNOWN_TERMS } from '../../../../src/dialects/dialect.ts'
import { dialects } from '../../../../src/dialects/index.ts'
import { NEVER_PASSED } from '../../../../src/dialects/kit/never-passed.ts'
import { openaiChat } from '../../../../src/dialects/openai/chat.ts'
import { openaiCompletions } from '../../../../src/dialects/openai/completions.ts'
import { openaiEmbeddings } from '../../../../src/dialects/openai/embeddings.ts'
import { BACKENDS, bytes, HEAD, mustRead } from '../../../support/dialects.ts'

const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
const completion = { model: 'm', prompt: 'hi' }

/** The body that a backend gets. It can be read in one way only. */
const sent = (request: object, output: number, backend: Backend, dialect = openaiChat) => {
  const body = Buffer.from(
    dialect.rewrite(mustRead(dialect, request), output, backend).body,
  ).toString()
  mustRead(dialect, body)
  return JSON.parse(body)
}

const refusal = (request: object, dialect = openaiChat) => {
  const read = dialect.read(bytes(request), HEAD)
  return read.ok ? null : `${read.error.status} ${read.error.code} ${read.error.param}`
}

const told = (request: object, dialect = openaiChat) => {
  const read = dialect.read(bytes(request), HEAD)
  return read.ok ? null : read.error.message
}

it.each([
  [{ ...chat, max_tokens: -5 }, 'max_tokens must be a whole number of 1 or more. Leave it out'],
  [{ ...chat, max_completion_tokens: 1.5 }, 'max_completion_tokens must be a whole number of 1'],
  [{ ...chat, max_tokens: '5' }, '-1 means the same as leaving it out.'],
  [{ ...chat, Model: 'm' }, 'Some servers read the key "Model" as "model". Write it "model".'],
  [{ ...chat, stream: 'true' }, 'stream must be true or false, without quotes.'],
  [{ ...chat, n: 0 }, 'n must be a whole number from 1 to 128.'],
  [{ messages: chat.messages }, 'name one of the models at GET /v1/models.'],
  [{ model: 'm' }, 'Send for example "messages": [{"role": "user", "content": "Hello"}].'],
  [{ ...chat, messages: [] }, 'messages must be a list of at least one message.'],
])('a refusal of %j tells how to write it', (request, words) => {
  expect(told(request)).toContain(words)
})

it('every dialect is in the list once', () => {
  for (const key of ['name', 'path'] as const) {
    const all = dialects.map((dialect) => dialect[key])
    expect(all).toEqual([...new Set(all)])
  }
  const names = dialects.map(({ name }) => name)
  expect(names).toEqual(
    expect.arrayContaining(['openai-chat', 'openai-completions', 'openai-embeddings']),
  )
})

describe('what is refused', () => {
  const part = (content: unknown) => ({ model: 'm', messages: [{ role: 'user', content }] })
  const schema = (inner: object) => ({
    ...chat,
    response_format: { type: 'json_schema', json_schema: { name: 'c', schema: inner } },
  })
  it.each<[string, object, string | null]>([
    ['no messages', { model: 'm' }, '400 missing_required_parameter messages'],
    ['messages of no list', { ...chat, messages: 'hi' }, '400 invalid_type messages'],
    ['an empty list', { ...chat, messages: [] }, '400 invalid_type messages'],
    ['a message of no object', { ...chat, messages: ['hi'] }, '400 invalid_type messages'],
    ['an empty model', { ...chat, model: '' }, '400 invalid_type model'],
    ['stream of no boolean', { ...chat, stream: 'true' }, '400 invalid_type stream'],
    ['a negative limit', { ...chat, max_tokens: -2 }, '400 invalid_value max_tokens'],
    ['half a token', { ...chat, max_tokens: 1.5 }, '400 invalid_value max_tokens'],
    ['a limit in a string', { ...chat, max_tokens: '5' }, '400 invalid_value max_tokens'],
    ['no choice', { ...chat, n: 0 }, '400 invalid_value n'],
    ['A15 a thousand choices', { ...chat, n: 1_000 }, '400 invalid_value n'],
    ['memory of 8 GB', { ...chat, repeat_last_n: 2 ** 31 - 1 }, '400 invalid_value repeat_last_n'],
    ['A15 best of a thousand', { ...chat, best_of: 1_000 }, '400 invalid_value best_of'],
    ['every logprob', { ...chat, top_logprobs: 100_000 }, '400 invalid_value top_logprobs'],
    ['every logprob of old', { ...chat, logprobs: 100_000 }, '400 invalid_value logprobs'],
    ['echo', { ...chat, echo: true }, '400 unsupported_parameter echo'],
    [
      'A2 include_usage of no boolean',
      { ...chat, stream: true, stream_options: { include_usage: 0 } },
      '400 invalid_type stream_options.include_usage',
    ],
    [
      'A2 stream_options that folds',
      { ...chat, stream_options: { Include_Usage: false } },
      '400 ambiguous_key stream_options',
    ],
    [
      'A7 an image that is none',
      part([{ type: 'image_url', image_url: { url: 'data:' } }]),
      '400 unsupported_content messages[0].content[0].image_url.url',
    ],
    [
      'A7 an image that says it is text',
      part([{ type: 'text', text: 'a', image_url: {} }]),
      '400 unsupported_content messages[0].content[0]',
    ],
    [
      'A7 sound that is none',
      part([{ type: 'input_audio', input_audio: {} }]),
      '400 invalid_type messages[0].content[0].input_audio',
    ],
    [
      'A7 images beside the content',
      { ...chat, messages: [{ role: 'user', content: 'a', images: ['x'] }] },
      '400 unsupported_content messages[0].images',
    ],
    [
      'J16 a tool that is run for the model',
      { ...chat, tools: [{ type: 'function', function: {} }, { type: 'web_search' }] },
      '400 unsupported_content tools',
    ],
    [
      'A7 sound as output',
      { ...chat, modalities: ['text', 'audio'] },
      '400 unsupported_content modalities',
    ],
    [
      'I13 Content',
      { ...chat, messages: [{ role: 'user', Content: 'a' }] },
      '400 ambiguous_key messages[0]',
    ],
    ['content of no text', part({ text: 'a' }), '400 invalid_type messages[0].content'],
    [
      'a huge minItems',
      schema({ type: 'array', minItems: 1e9 }),
      '400 invalid_value response_format',
    ],
    [
      'a huge minitems',
      schema({ type: 'array', MinItems: 1e9 }),
      '400 invalid_value response_format',
    ],
    [
      'lists of lists',
      schema({ minItems: 999, items: { minItems: 999, items: { minItems: 999 } } }),
      '400 invalid_value response_format',
    ],
    ['a huge maxLength', schema({ maxLength: 1e6 }), '400 invalid_value response_format'],
    ['a huge repetition', schema({ pattern: '^a{99999}$' }), '400 invalid_value response_format'],
    [
      'nested repetitions',
      { ...chat, guided_regex: '((a{900}){900}){900}' },
      '400 invalid_value guided_regex',
    ],
    [
      'a schema in a string',
      { ...chat, guided_json: '{"minItems":99999}' },
      '400 invalid_value guided_json',
    ],
    [
      'a tool with a huge minItems',
      { ...chat, tools: [{ function: { parameters: { minItems: 1e9 } } }] },
      '400 invalid_value tools',
    ],
  ])('%s', (_, request, expected) => {
    expect(refusal(request)).toBe(expected)
  })

  it('J16 a tool that runs at the backend: the message names the tools that can be sent', () => {
    const read = openaiChat.read(bytes({ ...chat, tools: [{ type: 'web_search' }] }), HEAD)
    expect(read).toMatchObject({
      error: {
        message:
          'tools holds one that the model server runs itself, which has no price here. Send tools of the types function and custom only.',
      },
    })
  })

  it.each<[string, object]>([
    ['text parts', part([{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }])],
    [
      'what SDKs send back',
      {
        ...chat,
        messages: [
          ...chat.messages,
          { role: 'assistant', content: null, refusal: null, audio: null, tool_calls: [] },
        ],
      },
    ],
    [
      'a bounded schema',
      schema({ maxItems: 100, items: { maxLength: 500, pattern: '^[a-z]{1,64}$' } }),
    ],
    [
      'a tool of generous lengths',
      { ...chat, tools: [{ function: { parameters: { maxLength: 1e5 } } }] },
    ],
    [
      'nulls',
      { ...chat, max_tokens: null, n: null, stream: null, stream_options: null, echo: null },
    ],
    ['logprobs', { ...chat, logprobs: true, top_logprobs: 5 }],
    ['only text as output', { ...chat, modalities: ['text'] }],
  ])('but not %s', (_, request) => {
    expect(refusal(request)).toBeNull()
  })

  it.each<[unknown, string | null]>([
    ['hi', null],
    [['hi', 'there'], null],
    [[1, 2, 3], null],
    [[[1], [2, 3]], null],
    [[], '400 invalid_type prompt'],
    [[1, 'a'], '400 invalid_type prompt'],
    [[[1], 'a'], '400 invalid_type prompt'],
    [[-1], '400 invalid_type prompt'],
    [{ prompt_string: 'a', multimodal_data: ['x'] }, '400 invalid_type prompt'],
    [null, '400 missing_required_parameter prompt'],
    [new Array(3_000).fill('a'), '400 invalid_value prompt'],
  ])('a prompt %j', (prompt, expected) => {
    expect(refusal({ model: 'm', prompt }, openaiCompletions)).toBe(expected)
    const param = expected?.replace('prompt', 'input') ?? null
    expect(refusal({ model: 'm', input: prompt }, openaiEmbeddings)).toBe(param)
  })

  it('a count with leading zeros is read as a number', () => {
    const padded = `a{${'0'.repeat(50)}99999}`
    expect(refusal({ ...chat, grammar: padded })).toBe('400 invalid_value grammar')
  })

  it('embeddings of messages', () => {
    expect(refusal({ model: 'm', input: 'a', messages: [] }, openaiEmbeddings)).toContain(
      'messages',
    )
  })
})

describe('K19 how much is asked for', () => {
  it.each<[object, number | null]>([
    [{}, null],
    [{ max_tokens: 5 }, 5],
    [{ max_completion_tokens: 7 }, 7],
    [{ max_tokens: 5, max_completion_tokens: 7 }, 5],
    [{ max_tokens: 0 }, 1],
    [{ max_tokens: -1 }, null],
    [{ max_tokens: -1, max_completion_tokens: 7 }, 7],
    [{ max_tokens: null, max_completion_tokens: 3 }, 3],
  ])('K19 %j is a limit of %j', (extra, limit) => {
    expect(mustRead(openaiChat, { ...chat, ...extra }).limit).toBe(limit)
  })

  it('A15 n, best_of and lists of prompts multiply, batches of embeddings do not', () => {
    expect(mustRead(openaiChat, { ...chat, n: 3 }).choices).toBe(3)
    expect(mustRead(openaiCompletions, { ...completion, n: 2, best_of: 4 }).choices).toBe(4)
    expect(
      mustRead(openaiCompletions, { ...completion, prompt: ['a', 'b', 'c'], n: 2 }).choices,
    ).toBe(6)
    const batch = mustRead(openaiEmbeddings, { model: 'm', input: ['a', 'b'], n: 9, stream: true })
    expect(batch).toMatchObject({ choices: 1, hasOutput: false, limit: null, stream: false })
  })

  it('the input bound contains every string, before and after NFKC', () => {
    const bound = (content: string, extra = {}) =>
      mustRead(openaiChat, { ...chat, messages: [{ role: 'user', content }], ...extra }).most.input
    const base = bound('')
    expect(base).toBe(64 + 16 + 'user'.length)
    expect(bound('hello')).toBe(base + 5)
    expect(bound('é')).toBe(base + 2)
    expect(bound('\uFDFA')).toBe(base + Buffer.byteLength('\uFDFA'.normalize('NFKC')))
    expect(bound('Ａ')).toBe(base + 3)
    const tools = [
      { type: 'function', function: { name: 'weather', description: 'x'.repeat(500) } },
    ]
    expect(bound('', { tools })).toBeGreaterThan(base + JSON.stringify(tools).length - 30)
    expect(bound('', { documents: [{ note: 'x'.repeat(300) }] })).toBeGreaterThan(base + 300)
    expect(bound('', { user: 'x'.repeat(300), chat_template: 'x'.repeat(300) })).toBe(base)
  })

  it('each token id is one token', () => {
    const asked = mustRead(openaiCompletions, { ...completion, prompt: [[7, 8], [123_456]] })
    expect(asked).toMatchObject({ most: { input: 64 + 2 * 16 + 3 }, ids: 3, parts: 2 })
    expect(asked.texts()).toEqual([])
  })
})

describe('what is sent', () => {
  it.each<[string, object, Backend, object]>([
    ['a limit of its own', {}, 'vllm', { max_tokens: 9 }],
    ['the same field', { max_tokens: 50 }, 'other', { max_tokens: 9 }],
    ['the newer field alone', { max_completion_tokens: 50 }, 'other', { max_completion_tokens: 9 }],
    [
      'both to Ollama, which ignores the newer',
      { max_completion_tokens: 50 },
      'ollama',
      { max_tokens: 9, max_completion_tokens: 9 },
    ],
    [
      'both where both came',
      { max_tokens: 2, max_completion_tokens: 50 },
      'other',
      { max_tokens: 9, max_completion_tokens: 9 },
    ],
    ['no null', { max_tokens: null, max_completion_tokens: null }, 'other', { max_tokens: 9 }],
  ])('%s', (_, extra, backend, limits) => {
    expect(sent({ ...chat, ...extra }, 9, backend)).toEqual({ ...chat, ...limits })
  })

  it('completions have only one limit', () => {
    const extra = { ...completion, max_completion_tokens: 50 }
    expect(sent(extra, 9, 'other', openaiCompletions)).toEqual({ ...completion, max_tokens: 9 })
  })

  it('never a limit of 0, which Ollama reads as no limit', () => {
    expect(sent({ ...chat, max_tokens: 0 }, 0, 'ollama')).toEqual({ ...chat, max_tokens: 1 })
  })

  it.each(BACKENDS)(
    'I6 A15 nothing that raises the output or has no price passes to %s',
    (backend) => {
      const extra = Object.fromEntries([...NEVER_PASSED].map((key) => [key, 1]))
      const reads = {
        ...extra,
        n_predict: -1,
        num_ctx: 1e9,
        keep_alive: -1,
        options: { num_predict: -1 },
        ignore_eos: true,
        chat_template: '{% for i in range(10) %}',
      }
      expect(sent({ ...chat, ...reads }, 5, backend)).toEqual({ ...chat, max_tokens: 5 })
      const input = { model: 'm', input: 'a' }
      expect(sent({ ...input, ...reads }, 0, backend, openaiEmbeddings)).toEqual(input)
    },
  )

  it.each([
    undefined,
    null,
    {},
    { include_usage: false },
    { include_usage: null },
    { include_usage: true },
    { continuous_usage_stats: true },
  ])('A2 usage is asked for, whatever the client says: %j', (options) => {
    const request = { ...chat, stream: true, stream_options: options }
    expect(sent(request, 5, 'vllm').stream_options).toEqual({ include_usage: true })
    expect(mustRead(openaiChat, request).wantsUsage).toBe(options?.include_usage === true)
  })

  it('a buffered request asks for no usage in a stream', () => {
    expect(sent(chat, 5, 'vllm').stream_options).toBeUndefined()
  })

  it('keeps obfuscation as the client wants it', () => {
    const request = { ...chat, stream: true, stream_options: { include_obfuscation: false } }
    expect(sent(request, 5, 'other').stream_options).toEqual({
      include_usage: true,
      include_obfuscation: false,
    })
  })

  it('every other byte of the client, in its own spelling', () => {
    const body =
      '{ "model":"m", "temperature" : 0.70,"max_tokens":3,\n"messages":[{"role":"user","content":"\\u00e9"}]}'
    const out = openaiChat.rewrite(mustRead(openaiChat, body), 2, 'vllm').body
    expect(Buffer.from(out).toString()).toBe(
      '{"model":"m","temperature" : 0.70,"messages":[{"role":"user","content":"\\u00e9"}],"max_tokens":2}',
    )
  })

  it('embeddings unchanged, byte for byte', () => {
    const asked = mustRead(openaiEmbeddings, {
      model: 'm',
      input: ['a'],
      encoding_format: 'base64',
    })
    expect(openaiEmbeddings.rewrite(asked, 0, 'ollama').body).toBe(asked.body)
  })
})

it('J2 a member named __proto__ that the operator lets pass is in the bound, and is no setting', () => {
  const also = new Set(['__proto__'])
  const read = (value: string) => {
    const body = Buffer.from(`${JSON.stringify(chat).slice(0, -1)},"__proto__":${value}}`)
    const asked = openaiChat.read(body, HEAD, { ...UNKNOWN_TERMS, also, backend: 'other' })
    if (!asked.ok) throw new Error(asked.error.message)
    return asked.value
  }
  const asked = read(JSON.stringify({ stream: true, n: 9, max_tokens: 3, tools: ['a'] }))
  expect(asked).toMatchObject({ stream: false, choices: 1, limit: null, plain: true })
  expect(asked.most.input - read('0').most.input).toBeGreaterThan(40)
})
