import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Backend } from '../../../../src/dialects/dialect.ts'
import { UNKNOWN_TERMS } from '../../../../src/dialects/dialect.ts'
import { dialects } from '../../../../src/dialects/index.ts'
import { NEVER_PASSED } from '../../../../src/dialects/kit/never-passed.ts'
import { openaiChat } from '../../../../src/dialects/openai/chat.ts'
import { openaiCompletions } from '../../../../src/dialects/openai/completions.ts'
import { bytes, HEAD, mustRead } from '../../../support/dialects.ts'

const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }

const sentText = (body: unknown, dialect = openaiChat): string =>
  Buffer.from(dialect.rewrite(mustRead(dialect, body), 9, 'other').body).toString()
const sent = (body: unknown, dialect = openaiChat) => JSON.parse(sentText(body, dialect))

/** Requests as real clients send them. */
const CLIENTS: readonly [string, object][] = [
  [
    'OpenAI’s SDKs',
    {
      temperature: 1,
      top_p: 1,
      n: 1,
      stop: ['\n'],
      presence_penalty: 0,
      frequency_penalty: 0,
      logit_bias: { '50256': -100 },
      user: 'u',
      seed: 7,
      logprobs: true,
      top_logprobs: 2,
      response_format: { type: 'json_object' },
      tools: [{ type: 'function', function: { name: 'f', parameters: {} } }],
      tool_choice: 'auto',
      parallel_tool_calls: false,
      reasoning_effort: 'low',
      verbosity: 'low',
      metadata: { a: 'b' },
      modalities: ['text'],
      safety_identifier: 's',
    },
  ],
  [
    'vLLM’s',
    {
      top_k: 40,
      min_p: 0.05,
      repetition_penalty: 1.1,
      length_penalty: 1,
      stop_token_ids: [1],
      include_stop_str_in_output: false,
      skip_special_tokens: true,
      spaces_between_special_tokens: true,
      bad_words: ['x'],
      allowed_token_ids: [1, 2],
      guided_json: { type: 'object' },
      guided_choice: ['a', 'b'],
      structured_outputs: { choice: ['a'] },
      include_reasoning: true,
      add_generation_prompt: true,
      continue_final_message: false,
      documents: [{ title: 'a', text: 'b' }],
      chat_template_kwargs: { enable_thinking: false, thinking_budget: 100, mode: 'short one' },
    },
  ],
  [
    'llama.cpp’s',
    {
      cache_prompt: true,
      samplers: ['top_k', 'temperature'],
      typical_p: 1,
      repeat_penalty: 1,
      repeat_last_n: 64,
      mirostat: 0,
      mirostat_tau: 5,
      mirostat_eta: 0.1,
      dynatemp_range: 0,
      xtc_probability: 0,
      dry_multiplier: 0,
      grammar: 'root ::= "a"',
      json_schema: { type: 'object' },
      reasoning_format: 'deepseek',
      timings_per_token: true,
      n_keep: 0,
    },
  ],
  ['Ollama’s and OpenRouter’s', { think: false, format: 'json', reasoning: { effort: 'low' } }],
  ['SGLang’s', { separate_reasoning: true, regex: 'a{1,3}', ebnf: 'root ::= "a"' }],
]

describe('J16 request fields are an allow-list', () => {
  it.each(CLIENTS)('%s fields pass, byte for byte', (_, fields) => {
    const body = JSON.stringify({ ...chat, ...fields })
    expect(sentText(body)).toBe(`${body.slice(0, -1)},"max_tokens":9}`)
    expect(mustRead(openaiChat, body).ignored).toEqual([])
  })

  it('a field that is not on the list is left out and named; a null field is only left out', () => {
    const more = { n_predict: -1, whatever: { a: 1 }, store: false, prediction: {}, audio: null }
    const asked = mustRead(openaiChat, { ...chat, ...more, nothing: null })
    expect(asked.ignored).toEqual(['n_predict', 'whatever', 'store', 'prediction'])
    expect(sent({ ...chat, ...more })).toEqual({ ...chat, max_tokens: 9 })
    expect(asked.most.input).toBe(mustRead(openaiChat, chat).most.input)
  })

  it('the fields of one API are not fields of another', () => {
    const both = { ...chat, prompt: 'hi', suffix: 'there', input: 'hi' }
    expect(sent(both)).toEqual({ ...chat, max_tokens: 9 })
    expect(mustRead(openaiChat, both).ignored).toEqual(['prompt', 'suffix', 'input'])
    expect(sent(both, openaiCompletions)).toEqual({
      model: 'm',
      prompt: 'hi',
      suffix: 'there',
      max_tokens: 9,
    })
  })

  it('the operator’s own names pass too, and no name that folds to one of them', () => {
    const terms = { ...UNKNOWN_TERMS, also: new Set(['guidance']), backend: 'other' } as const
    const read = openaiChat.read(bytes({ ...chat, guidance: { a: 'b' }, other: 1 }), HEAD, terms)
    if (!read.ok) throw new Error(read.error.message)
    expect(read.value.ignored).toEqual(['other'])
    expect(read.value.texts()).toContain('{"a":"b"}')
    const out = JSON.parse(Buffer.from(openaiChat.rewrite(read.value, 9, 'other').body).toString())
    expect(out).toEqual({ ...chat, guidance: { a: 'b' }, max_tokens: 9 })
    expect(openaiChat.read(bytes({ ...chat, Guidance: 1 }), HEAD, terms)).toMatchObject({
      ok: false,
      error: { code: 'ambiguous_key' },
    })
  })

  it('settings of a template are booleans, numbers and short words', () => {
    const kwargs = {
      enable_thinking: false,
      budget: 100,
      date_string: '26 Jul 2026',
      nothing: null,
      chat_template: 'chatml',
      note: 'x'.repeat(33),
      mode: 'y'.repeat(32),
      loop: '{% for %}',
      nested: { chat_template: '{{ x * 100000 }}' },
      list: ['a'],
      padding: 'max_length',
      max_length: 100_000,
    }
    const asked = mustRead(openaiChat, { ...chat, chat_template_kwargs: kwargs })
    expect(asked.ignored.map((name) => name.split('.')[1])).toEqual([
      ...['chat_template', 'note', 'loop', 'nested', 'list', 'padding', 'max_length'],
    ])
    expect(sent({ ...chat, chat_template_kwargs: kwargs })).toEqual({
      ...chat,
      chat_template_kwargs: {
        enable_thinking: false,
        budget: 100,
        date_string: '26 Jul 2026',
        nothing: null,
        mode: 'y'.repeat(32),
      },
      max_tokens: 9,
    })
    expect(asked.texts().join(' ')).not.toContain('xxx')
  })

  it.each([
    'reasoning_effort',
    'think',
    'thinking',
    'verbosity',
    'reasoning',
    'chat_template_kwargs',
  ])('%s cannot contain a prompt', (key) => {
    for (const value of ['word '.repeat(100), ['a'], '{{ 7 * 7 }}']) {
      const asked = mustRead(openaiChat, { ...chat, [key]: value })
      expect(asked.ignored).toEqual([key])
      expect(sent({ ...chat, [key]: value })).toEqual({ ...chat, max_tokens: 9 })
    }
  })

  it('everything that passes keeps its own spelling', () => {
    const body = `{ "temperature" : 0.70,"whatever":1,"model":"m",\n"chat_template_kwargs":{"a":  1e1},
      "messages":[{"role":"user","content":"\\u00e9"}] }`
    expect(sentText(body)).toBe(
      '{"temperature" : 0.70,"model":"m","chat_template_kwargs":{"a":  1e1},"messages":[{"role":"user","content":"\\u00e9"}],"max_tokens":9}',
    )
  })

  it('the names of left out fields fit into a header, whatever they are', () => {
    const key = fc.string({ unit: 'binary', maxLength: 100 })
    fc.assert(
      fc.property(fc.dictionary(key, fc.constant(1), { size: 'max', maxKeys: 60 }), (extra) => {
        for (const dialect of dialects) {
          const request = { ...extra, ...chat, messages: undefined, prompt: 'a', input: 'a' }
          const body = dialect === openaiChat ? { ...extra, ...chat } : request
          const read = dialect.read(bytes(body), HEAD)
          if (!read.ok) continue
          const header = read.value.ignored.join(', ')
          expect(header).toMatch(/^[\w.+-]*(?:, [\w.+-]+)*$/)
          expect(read.value.ignored.length).toBeLessThanOrEqual(21)
          expect(header.length).toBeLessThan(1_500)
        }
      }),
    )
  })

  it('no field that was ever taken out is on a list', () => {
    const extra = Object.fromEntries([...NEVER_PASSED].map((key) => [key, 1]))
    const terms = { ...UNKNOWN_TERMS, also: NEVER_PASSED, backend: 'other' } as const
    const read = openaiChat.read(bytes({ ...chat, ...extra }), HEAD, terms)
    if (!read.ok) throw new Error(read.error.message)
    const out = JSON.parse(Buffer.from(openaiChat.rewrite(read.value, 9, 'other').body).toString())
    expect(out).toEqual({ ...chat, max_tokens: 9 })
  })
})

describe('K22 schemas of tools in the wild', () => {
  const tool = (schema: object, strict?: boolean) => ({
    ...chat,
    tools: [{ type: 'function', function: { name: 'f', strict, parameters: schema } }],
  })
  const WILD = [
    { type: 'array', maxItems: 10_000 },
    { type: 'string', pattern: '^.{1,2048}$' },
    { properties: { a: { maxItems: 5_000, items: { maxItems: 5_000 } } } },
  ]
  const refused = (request: object, backend: Backend): boolean =>
    !openaiChat.read(bytes(request), HEAD, { ...UNKNOWN_TERMS, also: new Set(), backend }).ok

  it('pass if the backend only shows them to the model', () => {
    for (const schema of WILD) {
      for (const backend of ['ollama', 'vllm', 'lmstudio', 'other'] as const) {
        expect(refused(tool(schema), backend)).toBe(false)
        expect(refused({ ...tool(schema), tool_choice: 'auto' }, backend)).toBe(false)
      }
    }
  })

  it('are bounded if the backend compiles them: llama.cpp, a forced call, strict arguments', () => {
    for (const schema of WILD) {
      expect(refused(tool(schema), 'llamacpp')).toBe(true)
      expect(refused({ ...tool(schema), tool_choice: 'required' }, 'vllm')).toBe(true)
      const named = { type: 'function', function: { name: 'f' } }
      expect(refused({ ...tool(schema), tool_choice: named }, 'vllm')).toBe(true)
      expect(refused(tool(schema, true), 'other')).toBe(true)
    }
  })
})
