import {
  flag,
  list,
  number,
  object,
  ref,
  type Schema,
  text,
  whole,
} from '../../floor/json-schema.ts'
import type { Docs } from '../dialect.ts'
import { EVENT_STREAM } from '../kit/sniff-sse.ts'

/** What `/openapi.json` and `/llms.txt` say about OpenAI's three APIs. */

const MESSAGE = object(['role'], {
  role: { type: 'string', examples: ['system', 'user', 'assistant', 'tool'] },
  content: {
    anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'object' } }, { type: 'null' }],
    description:
      'Text, or a list of parts: text, image_url with a data: URL (PNG, JPEG, GIF, WebP, BMP), input_audio (wav, mp3).',
  },
  tool_calls: list({ type: 'object' }),
  tool_call_id: text(),
})

const STOP = { anyOf: [{ type: 'string' }, list({ type: 'string' })] }
const LIMIT = whole('Output tokens at most. A balance that affords less makes a shorter answer.')

const SAMPLING: Readonly<Record<string, Schema>> = {
  stream: flag,
  stream_options: object([], { include_usage: flag }),
  max_tokens: ref('OutputLimit'),
  temperature: number(0, 2),
  top_p: number(0, 1),
  n: { type: 'integer', minimum: 1 },
  stop: STOP,
  seed: { type: 'integer' },
}

const CHAT = object(['model', 'messages'], {
  model: ref('ModelName'),
  messages: { ...list(ref('Message')), minItems: 1 },
  ...SAMPLING,
  max_completion_tokens: ref('OutputLimit'),
  tools: list({ type: 'object' }),
  tool_choice: { anyOf: [{ type: 'string' }, { type: 'object' }] },
  response_format: { type: 'object' },
})

const TEXTS = { anyOf: [{ type: 'string' }, { type: 'array', minItems: 1 }] }

const COMPLETION = object(['model', 'prompt'], {
  model: ref('ModelName'),
  prompt: TEXTS,
  ...SAMPLING,
  suffix: text(),
})

const EMBEDDING = object(['model', 'input'], {
  model: ref('ModelName'),
  input: TEXTS,
  dimensions: { type: 'integer', minimum: 1 },
  encoding_format: { enum: ['float', 'base64'] },
})

const USAGE = object(['prompt_tokens', 'total_tokens'], {
  prompt_tokens: whole(),
  completion_tokens: whole(),
  total_tokens: whole(),
})

/**
 * The backend's answer is passed on as it is. Only members that every backend sends are required.
 */
const answer = (entries: 'choices' | 'data'): Schema =>
  object([entries], {
    id: text(),
    object: text(),
    model: text(),
    [entries]: list({ type: 'object' }),
    usage: ref('TokenUsage'),
  })

/** The stream that a client gets if it sends `stream: true`. */
const STREAM: Docs['stream'] = {
  type: EVENT_STREAM,
  schema: {
    type: 'string',
    description:
      'Server-sent events. The cost is a comment, `: satgate cost_msat=52`, on the line before `data: [DONE]`; where an error ends the stream it is the very last line.',
  },
  cost: 'A stream tells it in a comment on the line before `data: [DONE]`, for example `: satgate cost_msat=52`. If an error ends the stream, the comment is its last line.',
}

/** The media type of every request and of every answer that is no stream. */
export const JSON_TYPE = 'application/json'

const parts = { TokenUsage: USAGE }

export const CHAT_DOCS: Docs = {
  name: 'Chat',
  summary: 'Chat completion',
  request: { type: JSON_TYPE, schema: CHAT, parts: { Message: MESSAGE, OutputLimit: LIMIT } },
  answer: { type: JSON_TYPE, schema: answer('choices'), parts },
  stream: STREAM,
  example: (model) => ({
    model,
    messages: [{ role: 'user', content: 'Say hello.' }],
    max_tokens: 64,
  }),
}

export const COMPLETION_DOCS: Docs = {
  name: 'Completion',
  summary: 'Completion of a text',
  request: { type: JSON_TYPE, schema: COMPLETION, parts: { OutputLimit: LIMIT } },
  answer: { type: JSON_TYPE, schema: answer('choices'), parts },
  stream: STREAM,
  example: () => null,
}

export const EMBEDDING_DOCS: Docs = {
  name: 'Embedding',
  summary: 'Embeddings',
  request: { type: JSON_TYPE, schema: EMBEDDING, parts: {} },
  answer: { type: JSON_TYPE, schema: answer('data'), parts },
  stream: null,
  example: () => null,
}
