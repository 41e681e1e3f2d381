import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { upstreamWords } from '../../../src/gate/upstream-words.ts'

const wordsOf = (status: number, body: unknown) =>
  upstreamWords(status, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))
const words = (body: unknown) => wordsOf(400, body)
const error = (message: string, more: object = {}) => words({ error: { message, ...more } })

const REFUSED = 'The model server refused the request.'

/** Texts that a stranger must not see. */
const SECRETS = [
  '/srv/models/llama-3/model.safetensors',
  '/home/op/.cache/huggingface',
  'C:\\models\\secret.gguf',
  'gpu-07.internal.example.com',
  'gpu-07',
  'localhost:8000',
  'http://10.0.0.7:8000/v1',
  '10.0.0.7',
  'fe80::1ff:fe23:4567:890a',
  '[2001:db8::1]:8000',
  'sk-operator-0123456789',
  'sk-proj-aaaaaaaaaaaaaaaaaaaa',
  'proj_0a1b2c3d',
  'org-9sK2LmPq',
  'my-gcp-project-31337',
  '123456789012',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc',
  'ann@example.com',
  'acme',
  '0x7f3a2b1c',
  '550e8400-e29b-41d4-a716-446655440000',
  '\u001b[31mred',
  'token:abcdef',
  'hunter2',
]

describe('a 429 has a code for which clients wait', () => {
  const BUSY = 'The model server takes no more requests at the moment. Try again later.'

  it.each([
    ['no words', '', BUSY],
    ['a text', 'slow down!', BUSY],
    ['no code', { error: { message: 'Too many requests.' } }, 'Too many requests.'],
    ['a code that says nothing of it', { error: { type: 'invalid_request_error' } }, BUSY],
    ['null', { error: { message: 'x9', code: null, type: null } }, BUSY],
  ])('if the model server gives %s', (_, body, message) => {
    expect(wordsOf(429, body)).toEqual({ code: 'rate_limit_exceeded', message, param: null })
    expect(wordsOf(400, body).code).toBe('invalid_request_error')
  })

  it('or the plain one of the model server', () => {
    expect(wordsOf(429, { error: { code: 'too_large' } }).code).toBe('too_large')
  })
})

describe('J21 upstream_words_are_scrubbed_by_what_may_pass', () => {
  it.each(SECRETS)('%j passes nowhere', (secret) => {
    const bodies = [
      {
        error: { message: `The model is at ${secret}.`, code: secret, type: secret, param: secret },
      },
      { error: { message: secret } },
      { error: `${secret}` },
      { message: `Invalid value ${secret}`, code: secret },
      { detail: `not found: ${secret}` },
      { detail: [{ loc: ['body', secret], msg: `Extra inputs: ${secret}`, type: secret }] },
      {
        error: {
          message: `Rate limit reached in organization ${secret}`,
          code: 'rate_limit_exceeded',
        },
      },
      {
        error: {
          message: `maximum context length is 8192 tokens at ${secret}`,
          code: 'context_length_exceeded',
        },
      },
      {
        object: 'error',
        message: { detail: [{ type: 'extra_forbidden', loc: ['body', secret] }] },
      },
      `<html>${secret}</html>`,
    ]
    for (const body of bodies)
      expect(JSON.stringify(words(body))).not.toContain(JSON.stringify(secret).slice(1, -1))
  })

  it('a secret anywhere in a sentence removes that sentence, and no other', () => {
    const plain = ['The', 'value', 'of', 'temperature', 'must', 'be', 'less', 'than', '2']
    fc.assert(
      fc.property(fc.nat({ max: plain.length }), fc.constantFrom(...SECRETS), (at, secret) => {
        const spoilt = [...plain.slice(0, at), secret, ...plain.slice(at)].join(' ')
        const { message } = error(`${spoilt}\nThe prompt is empty.`)
        expect(message).toBe('The prompt is empty.')
      }),
    )
  })

  it('whatever the backend says, each word that passes is a plain one', () => {
    const text = fc.array(
      fc.oneof(fc.string(), fc.constantFrom('the', 'model', '\n', '. ', '12')),
      {
        maxLength: 40,
        size: 'max',
      },
    )
    fc.assert(
      fc.property(text, fc.string(), (parts, name) => {
        const { message, code, param } = words({
          error: { message: parts.join(' '), code: name, param: name },
        })
        expect(message).toMatch(/^[\w\s"'`()[\]{}.,;:!?<>=+|/%…-]+$/)
        expect(code).toMatch(/^[a-z_.-]+$/)
        expect(param === null || /^[a-z_.[\]0-9]+$/.test(param)).toBe(true)
      }),
    )
  })

  it.each([
    [
      'OpenAI',
      {
        error: {
          message:
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.",
          type: 'invalid_request_error',
          param: 'messages',
          code: 'context_length_exceeded',
        },
      },
      [9000, 8192],
    ],
    [
      'vLLM',
      {
        object: 'error',
        message:
          "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages, 1000 in the completion).",
        type: 'BadRequestError',
        param: null,
        code: 400,
      },
      [5000, 4096],
    ],
    [
      'vLLM, newer',
      {
        error: {
          message:
            "'max_tokens' is too large: 5000. This model's maximum context length is 4096 tokens and your request has 12 input tokens (5000 > 4096 - 12).",
          code: 400,
        },
      },
      [12, 4096],
    ],
    [
      'llama.cpp',
      {
        error: {
          code: 400,
          message:
            'request (9000 tokens) exceeds the available context size (2048 tokens), try increasing it',
          type: 'exceed_context_size_error',
          n_prompt_tokens: 9001,
          n_ctx: 2048,
        },
      },
      [9001, 2048],
    ],
    [
      'Anthropic',
      {
        error: {
          type: 'invalid_request_error',
          message: 'prompt is too long: 210000 tokens > 200000 maximum',
        },
      },
      [210000, 200000],
    ],
  ])('a context that is too small: both numbers, of %s', (_, body, [request, context]) => {
    const { code, message } = words(body)
    expect(code).toBe('context_length_exceeded')
    expect(message).toContain(`${request} tokens`)
    expect(message).toContain(`${context} tokens`)
  })

  it.each([
    ['insufficient_quota', 'rate_limit_exceeded', /no more requests/],
    ['rate_limit_exceeded', 'rate_limit_exceeded', /no more requests/],
    ['invalid_api_key', 'upstream_error', /failed/],
    ['model_not_found', 'model_not_found', /does not have this model/],
    ['content_filter', 'content_filter', /content filter/],
    ['unsupported_parameter', 'unsupported_parameter', /does not take/],
  ])('%s has our own words', (code, told, pattern) => {
    const said = error('You exceeded your current quota, acme, see https://x.example', { code })
    expect(said.code).toBe(told)
    expect(said.message).toMatch(pattern)
    expect(said.message).not.toContain('acme')
  })

  it.each([
    [
      '"acme-7b" does not support thinking',
      "This model does not support thinking. Send the request without 'think', 'reasoning_effort' and the like.",
    ],
    [
      'registry.ollama.ai/acme/tiny:latest does not support tools',
      "This model does not support tools. Send the request without 'tools'.",
    ],
    ['"hunter2" does not support chat', 'This model does not support chat.'],
    ['"hunter2" does not support embeddings at gpu-07', 'This model does not support embeddings.'],
  ])('J21 what an Ollama model cannot do is told without its name: %s', (message, told) => {
    expect(error(message, { type: 'api_error' })).toEqual({
      code: 'unsupported_parameter',
      message: told,
      param: null,
    })
  })

  it.each([
    "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
    'Conversation roles must alternate user/assistant/user/assistant/...',
    "Invalid type for 'messages[0].content': expected one of a string or array of objects, but got an integer instead.",
    'n must be less than or equal to 4.',
    'top_p must be in (0, 1], got 1.5.',
  ])('%s passes', (message) => {
    expect(error(message).message).toBe(message)
  })

  it('a named field stays named', () => {
    expect(error('nope-1', { param: 'messages[0].content', code: 'invalid_value' })).toEqual({
      code: 'invalid_value',
      message: `${REFUSED} It is about 'messages[0].content'.`,
      param: 'messages[0].content',
    })
    expect(
      words({
        detail: [{ loc: ['body', 'messages', 0, 'role'], msg: 'Field required', type: 'missing' }],
      }),
    ).toEqual({
      code: 'missing',
      message: 'Field required',
      param: 'messages.0.role',
    })
  })

  it.each(['', 'no', '[]', 'null', '{}', '{"error":null}', '{"error":{"message":7}}', '"x7"'])(
    '%j is refused plainly',
    (body) => {
      expect(words(body)).toEqual({ code: 'invalid_request_error', message: REFUSED, param: null })
    },
  )
})
