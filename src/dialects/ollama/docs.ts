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
import { NDJSON } from '../kit/sniff-lines.ts'

/** What `/openapi.json` and `/llms.txt` say about Ollama's four APIs. */

export const JSON_TYPE = 'application/json'

const THINK: Schema = { anyOf: [flag, { enum: ['low', 'medium', 'high'] }] }
const FORMAT: Schema = {
  anyOf: [{ const: 'json' }, { type: 'object' }],
  description: '`json`, or a JSON schema.',
}
const OPTIONS: Schema = {
  ...object([], {
    num_predict: {
      type: 'integer',
      minimum: -2,
      description:
        'Output tokens at most. A balance that affords less makes a shorter answer; 0 and less mean the usual limit.',
    },
    temperature: number(0, 2),
    top_p: number(0, 1),
    top_k: { type: 'integer' },
    seed: { type: 'integer' },
    stop: list(text()),
  }),
  description: 'Options of the machine, such as `num_ctx`, are left out.',
}

const ASKED: Readonly<Record<string, Schema>> = {
  model: ref('ModelName'),
  stream: { ...flag, default: true },
  options: OPTIONS,
  format: FORMAT,
  think: THINK,
}

const COUNTS: Readonly<Record<string, Schema>> = {
  model: text(),
  created_at: text(),
  done: flag,
  done_reason: text(),
  prompt_eval_count: whole(),
  eval_count: whole(),
}

const STREAM: Docs['stream'] = {
  type: NDJSON,
  schema: text(
    'A JSON object on each line. The last line has `done: true`, the counts, and the cost as `cost_msat`; where an error ends the stream, the last line has `error` and `cost_msat`.',
  ),
  cost: 'The last line of a stream tells it in the member `cost_msat`.',
}

const none = { example: () => null }

export const CHAT_DOCS: Docs = {
  name: 'OllamaChat',
  summary: 'Chat completion in Ollama’s own form',
  request: {
    type: JSON_TYPE,
    schema: object(['model'], {
      ...ASKED,
      messages: list(object(['role'], { role: text(), content: text() })),
      tools: list({ type: 'object' }),
    }),
    parts: {},
  },
  answer: {
    type: JSON_TYPE,
    schema: object(['message', 'done'], { ...COUNTS, message: { type: 'object' } }),
    parts: {},
  },
  stream: STREAM,
  ...none,
}

export const GENERATE_DOCS: Docs = {
  name: 'OllamaGenerate',
  summary: 'Completion of a prompt in Ollama’s own form',
  request: {
    type: JSON_TYPE,
    schema: object(['model'], { ...ASKED, prompt: text(), suffix: text(), system: text() }),
    parts: {},
  },
  answer: {
    type: JSON_TYPE,
    schema: object(['response', 'done'], { ...COUNTS, response: text(), thinking: text() }),
    parts: {},
  },
  stream: STREAM,
  ...none,
}

const VECTOR = list({ type: 'number' })

export const EMBED_DOCS: Docs = {
  name: 'OllamaEmbed',
  summary: 'Embeddings in Ollama’s own form',
  request: {
    type: JSON_TYPE,
    schema: object(['model', 'input'], {
      model: ref('ModelName'),
      input: { anyOf: [text(), list(text())] },
      dimensions: whole(),
    }),
    parts: {},
  },
  answer: {
    type: JSON_TYPE,
    schema: object(['embeddings'], {
      model: text(),
      embeddings: list(VECTOR),
      prompt_eval_count: whole(),
    }),
    parts: {},
  },
  stream: null,
  ...none,
}

export const EMBEDDINGS_DOCS: Docs = {
  name: 'OllamaEmbedding',
  summary: 'One embedding in the older form of Ollama',
  request: {
    type: JSON_TYPE,
    schema: object(['model', 'prompt'], { model: ref('ModelName'), prompt: text() }),
    parts: {},
  },
  answer: { type: JSON_TYPE, schema: object(['embedding'], { embedding: VECTOR }), parts: {} },
  stream: null,
  ...none,
}
