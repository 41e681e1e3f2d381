import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../../../src/dialects/dialect.ts'
import { UNKNOWN_TERMS } from '../../../../src/dialects/dialect.ts'
import { ollamaChat } from '../../../../src/dialects/ollama/chat.ts'
import { ollamaEmbed } from '../../../../src/dialects/ollama/embed.ts'
import { ollamaEmbeddings } from '../../../../src/dialects/ollama/embeddings.ts'
import { ollamaGenerate } from '../../../../src/dialects/ollama/generate.ts'
import { bytes, HEAD, mustRead } from '../../../support/dialects.ts'

const CHAT = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
const GENERATE = { model: 'm', prompt: 'hi' }
const EMBED = { model: 'm', input: 'hi' }
const EMBEDDINGS = { model: 'm', prompt: 'hi' }
const LIMIT = { options: { num_predict: 9 } }

const sent = (dialect: Dialect, body: object) =>
  JSON.parse(Buffer.from(dialect.rewrite(mustRead(dialect, body), 9, 'ollama').body).toString())
const refusal = (dialect: Dialect, body: object, terms = UNKNOWN_TERMS) => {
  const read = dialect.read(bytes(body), HEAD, terms)
  return read.ok ? null : { code: read.error.code, param: read.error.param }
}

const TOOLS = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]
const FORMAT = { type: 'object', properties: { a: { type: 'string' } } }
const ANSWER = { format: FORMAT, shift: false, logprobs: true, top_logprobs: 2, truncate: true }

describe('J16 the fields that pass', () => {
  it.each<[string, Dialect, object, object]>([
    ['/api/chat', ollamaChat, CHAT, { ...ANSWER, tools: TOOLS, think: 'low', stream: true }],
    ['/api/generate', ollamaGenerate, GENERATE, { ...ANSWER, suffix: 'b', system: 's' }],
    [
      '/api/generate, as the ollama command fills it',
      ollamaGenerate,
      GENERATE,
      {
        ...{ suffix: '', system: '', template: '', context: [], raw: false, images: null },
      },
    ],
  ])('%s', (_, dialect, body, more) => {
    expect(sent(dialect, { ...body, ...more })).toEqual({ ...body, ...more, ...LIMIT })
    expect(mustRead(dialect, { ...body, ...more }).ignored).toEqual([])
  })

  it.each<[string, Dialect, object, object]>([
    ['/api/embed', ollamaEmbed, EMBED, { truncate: false, dimensions: 64 }],
    ['/api/embeddings', ollamaEmbeddings, EMBEDDINGS, {}],
  ])('%s, byte for byte', (_, dialect, body, more) => {
    const all = bytes({ ...body, ...more })
    expect(dialect.rewrite(mustRead(dialect, all), 0, 'ollama').body).toEqual(all)
    expect(mustRead(dialect, all).ignored).toEqual([])
  })

  it.each<[string, Dialect, object]>([
    ['/api/chat', ollamaChat, CHAT],
    ['/api/generate', ollamaGenerate, GENERATE],
    ['/api/embed', ollamaEmbed, EMBED],
    ['/api/embeddings', ollamaEmbeddings, EMBEDDINGS],
  ])('%s: all others are left out and named', (_, dialect, body) => {
    const more = { keep_alive: -1, _debug_render_only: true, width: 8, nothing: null, num_ctx: 9 }
    const asked = mustRead(dialect, { ...body, ...more })
    expect(asked.ignored).toEqual(['keep_alive', '_debug_render_only', 'width', 'num_ctx'])
    expect(Object.keys(sent(dialect, { ...body, ...more })).sort()).toEqual(
      Object.keys({ ...body, ...(asked.hasOutput ? LIMIT : {}) }).sort(),
    )
  })

  it('limits.requestFields adds to them, except what never passes', () => {
    const also = new Set(['mine', 'keep_alive'])
    const body = bytes({ ...CHAT, mine: 'x'.repeat(100), keep_alive: 1 })
    const read = ollamaChat.read(body, HEAD, { ...UNKNOWN_TERMS, also })
    if (!read.ok) throw new Error(read.error.message)
    const { mine, keep_alive } = JSON.parse(
      Buffer.from(ollamaChat.rewrite(read.value, 9, 'ollama').body).toString(),
    )
    expect([mine?.length, keep_alive]).toEqual([100, undefined])
    expect(read.value.most.input).toBeGreaterThan(mustRead(ollamaChat, CHAT).most.input + 99)
  })
})

/** Options as clients send them. */
const SAMPLING = {
  ...{ temperature: 0.5, top_k: 40, top_p: 0.9, min_p: 0.1, typical_p: 1, seed: 7, num_keep: 4 },
  ...{ repeat_last_n: 64, repeat_penalty: 1.1, presence_penalty: 0, frequency_penalty: 0 },
  ...{ stop: ['\n', 'user:'], mirostat: 0, mirostat_eta: 0.1, mirostat_tau: 5, tfs_z: 1 },
  penalize_newline: true,
}
const MACHINE = {
  ...{ num_ctx: 1_000_000_000, num_batch: 1, num_gpu: 0, main_gpu: 1, num_thread: 1, numa: true },
  ...{ use_mmap: false, use_mlock: true, low_vram: true, f16_kv: false, vocab_only: true },
  ...{ embedding_only: true, use_imagegen_runner: true, whatever: { a: 1 } },
}

describe('L20 options', () => {
  it.each<[string, Dialect, object]>([
    ['/api/chat', ollamaChat, CHAT],
    ['/api/generate', ollamaGenerate, GENERATE],
  ])('%s: those of sampling pass, and those of the machine are named', (_, dialect, body) => {
    const asked = mustRead(dialect, { ...body, options: { ...SAMPLING, ...MACHINE } })
    expect(asked.ignored).toEqual(Object.keys(MACHINE).map((name) => `options.${name}`))
    const { options } = sent(dialect, { ...body, options: { ...SAMPLING, ...MACHINE } })
    expect(options).toEqual({ ...SAMPLING, num_predict: 9 })
  })

  it('of embeddings are the same, without a limit', () => {
    const options = { ...SAMPLING, ...MACHINE, num_predict: 5 }
    expect(sent(ollamaEmbed, { ...EMBED, options }).options).toEqual(SAMPLING)
    expect(mustRead(ollamaEmbed, { ...EMBED, options }).limit).toBeNull()
  })

  it('values that are no settings do not pass', () => {
    const odd = { seed: 'a', top_k: [1], stop: [1], temperature: { a: 1 } }
    expect(sent(ollamaChat, { ...CHAT, options: odd }).options).toEqual({ num_predict: 9 })
  })

  it.each([
    ['another spelling of the limit', { Num_Predict: 5 }, 'ambiguous_key', 'options'],
    ['a limit as text', { num_predict: '5' }, 'invalid_value', 'options.num_predict'],
    ['half a token', { num_predict: 0.5 }, 'invalid_value', 'options.num_predict'],
    ['no object', [], 'invalid_type', 'options'],
    ['memory of 8 GB', { repeat_last_n: 2 ** 31 - 1 }, 'invalid_value', 'options.repeat_last_n'],
  ])('%s is refused', (_, options, code, param) => {
    expect(refusal(ollamaChat, { ...CHAT, options })).toEqual({ code, param })
  })
})

describe('A15 the output limit is options.num_predict', () => {
  it.each([
    [{}, null],
    [{ options: null }, null],
    [{ options: { num_predict: 7 } }, 7],
    [{ options: { num_predict: 0 } }, null],
    [{ options: { num_predict: -1 } }, null],
    [{ options: { num_predict: -2 } }, null],
    [{ num_predict: 7, max_tokens: 7 }, null],
  ])('%j: %j', (more, limit) => {
    for (const [dialect, body] of [
      [ollamaChat, CHAT],
      [ollamaGenerate, GENERATE],
    ] as const) {
      expect(mustRead(dialect, { ...body, ...more }).limit).toBe(limit)
      expect(sent(dialect, { ...body, ...more }).options.num_predict).toBe(9)
    }
  })

  it('is never sent as 0, which means no limit to Ollama', () => {
    const { body } = ollamaChat.rewrite(mustRead(ollamaChat, CHAT), 0, 'ollama')
    expect(JSON.parse(Buffer.from(body).toString()).options).toEqual({ num_predict: 1 })
  })
})

describe('what is refused by name', () => {
  const message = { role: 'user', content: 'hi' }
  const huge = { type: 'array', minItems: 1_000_000 }
  it.each<[string, Dialect, object, string, string]>([
    [
      'J16 a template',
      ollamaGenerate,
      { ...GENERATE, template: 'x' },
      'unsupported_parameter',
      'template',
    ],
    ['J16 raw', ollamaGenerate, { ...GENERATE, raw: true }, 'unsupported_parameter', 'raw'],
    [
      'J16 a context',
      ollamaGenerate,
      { ...GENERATE, context: [1] },
      'unsupported_parameter',
      'context',
    ],
    [
      'L18 a tool of the server',
      ollamaChat,
      { ...CHAT, tools: [{ type: 'web_search' }] },
      'unsupported_content',
      'tools',
    ],
    ['K22 a huge schema', ollamaChat, { ...CHAT, format: huge }, 'invalid_value', 'format'],
    [
      'K22 a huge schema as text',
      ollamaGenerate,
      { ...GENERATE, format: JSON.stringify(huge) },
      'invalid_value',
      'format',
    ],
    [
      'sound',
      ollamaChat,
      { ...CHAT, messages: [{ ...message, audio: 'AA' }] },
      'unsupported_content',
      'messages[0].audio',
    ],
    ['I6 a key in capitals', ollamaChat, { ...CHAT, Options: {} }, 'ambiguous_key', 'Options'],
    [
      'I6 a key of a message in capitals',
      ollamaChat,
      { ...CHAT, messages: [{ ...message, Images: ['AA'] }] },
      'ambiguous_key',
      'messages[0]',
    ],
    [
      'too many alternatives',
      ollamaChat,
      { ...CHAT, top_logprobs: 21 },
      'invalid_value',
      'top_logprobs',
    ],
  ])('%s', (_, dialect, body, code, param) => {
    expect(refusal(dialect, body)).toEqual({ code, param })
  })

  it('K22 a schema of a tool may be generous, because Ollama only shows it', () => {
    const parameters = { type: 'object', properties: { a: { type: 'array', maxItems: 10_000 } } }
    const tools = [{ type: 'function', function: { name: 'f', parameters } }]
    expect(
      refusal(ollamaChat, { ...CHAT, tools }, { ...UNKNOWN_TERMS, backend: 'ollama' }),
    ).toBeNull()
    const strict = { ...UNKNOWN_TERMS, backend: 'llamacpp' as const }
    expect(refusal(ollamaChat, { ...CHAT, tools }, strict)).toEqual({
      code: 'invalid_value',
      param: 'tools',
    })
  })
})

describe('J2 the bound has every text that a template can write', () => {
  it.each<[string, Dialect, object]>([
    ['a message', ollamaChat, { ...CHAT, messages: [{ role: 'user', content: 'PLANTED' }] }],
    ['thinking', ollamaChat, { ...CHAT, messages: [{ role: 'assistant', thinking: 'PLANTED' }] }],
    [
      'a call',
      ollamaChat,
      {
        ...CHAT,
        messages: [{ tool_calls: [{ function: { name: 'f', arguments: { a: 'PLANTED' } } }] }],
      },
    ],
    ['the name of a tool', ollamaChat, { ...CHAT, messages: [{ tool_name: 'PLANTED' }] }],
    ['an unknown member of a message', ollamaChat, { ...CHAT, messages: [{ PLANTED: 1 }] }],
    ['tools', ollamaChat, { ...CHAT, tools: [{ function: { description: 'PLANTED' } }] }],
    ['a schema', ollamaChat, { ...CHAT, format: { title: 'PLANTED' } }],
    ['a prompt', ollamaGenerate, { ...GENERATE, prompt: 'PLANTED' }],
    ['a suffix', ollamaGenerate, { ...GENERATE, suffix: 'PLANTED' }],
    ['a system prompt', ollamaGenerate, { ...GENERATE, system: 'PLANTED' }],
    ['a text', ollamaEmbed, { ...EMBED, input: ['a', 'PLANTED'] }],
    ['a text of the older form', ollamaEmbeddings, { ...EMBEDDINGS, prompt: 'PLANTED' }],
  ])('%s', (_, dialect, body) => {
    const asked = mustRead(dialect, body)
    expect(asked.texts().join('\n')).toContain('PLANTED')
    expect(asked.most.input).toBeGreaterThanOrEqual(Buffer.byteLength(asked.texts().join('')))
  })
})

describe('L20 a request without a prompt is answered by the gate', () => {
  const AT = { created_at: '2026-01-02T03:04:05.000Z' }
  const NOW = Date.parse(AT.created_at)
  const here = (dialect: Dialect, body: object) => {
    const answer = mustRead(dialect, body).here?.(NOW)
    return answer === undefined ? null : JSON.parse(Buffer.from(answer).toString())
  }
  const load = { model: 'm', ...AT, done: true, done_reason: 'load' }
  const message = { role: 'assistant', content: '' }

  it.each<[string, Dialect, object, object | null]>([
    ['no messages', ollamaChat, { model: 'm' }, { ...load, message }],
    ['an empty list', ollamaChat, { model: 'm', messages: [] }, { ...load, message }],
    ['a message', ollamaChat, CHAT, null],
    ['no prompt', ollamaGenerate, { model: 'm' }, { ...load, response: '' }],
    [
      'an empty prompt',
      ollamaGenerate,
      { model: 'm', prompt: '', system: 's' },
      { ...load, response: '' },
    ],
    ['a prompt', ollamaGenerate, GENERATE, null],
    ['no input', ollamaEmbed, { model: 'm' }, { model: 'm', embeddings: [] }],
    ['an empty input', ollamaEmbed, { model: 'm', input: '' }, { model: 'm', embeddings: [] }],
    ['an empty text in a list', ollamaEmbed, { model: 'm', input: [''] }, null],
    [
      'an empty prompt of the older form',
      ollamaEmbeddings,
      { model: 'm', prompt: '' },
      { embedding: [] },
    ],
    ['a prompt of the older form', ollamaEmbeddings, EMBEDDINGS, null],
  ])('%s', (_, dialect, body, answer) => {
    expect(here(dialect, body)).toEqual(answer)
  })

  it.each([
    [0, 'unload'],
    ['0', 'unload'],
    ['0s', 'unload'],
    ['0m0s', 'unload'],
    [-1, 'load'],
    ['-1m', 'load'],
    ['10s', 'load'],
    [null, 'load'],
  ])('keep_alive %j: %s', (keep_alive, reason) => {
    expect(here(ollamaGenerate, { model: 'm', keep_alive }).done_reason).toBe(reason)
    expect(here(ollamaChat, { model: 'm', keep_alive }).done_reason).toBe(reason)
  })
})
