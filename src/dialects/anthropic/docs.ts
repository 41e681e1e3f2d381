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

/** What `/openapi.json` and `/llms.txt` say about the Messages API. */

/** The media type of every request and of every answer that is no stream. */
export const JSON_TYPE = 'application/json'

const TEXT_OR_BLOCKS: Schema = { anyOf: [{ type: 'string' }, list({ type: 'object' })] }

const MESSAGE = object(['role', 'content'], {
  role: { type: 'string', examples: ['user', 'assistant'] },
  content: TEXT_OR_BLOCKS,
})

const CONVERSATION: Readonly<Record<string, Schema>> = {
  model: ref('ModelName'),
  messages: { ...list(ref('AnthropicMessage')), minItems: 1 },
  system: TEXT_OR_BLOCKS,
  tools: list({ type: 'object', description: 'Tools that the client runs.' }),
  tool_choice: { type: 'object' },
  thinking: { type: 'object' },
}

const PARTS = { AnthropicMessage: MESSAGE }

const REQUEST = object(['model', 'messages'], {
  ...CONVERSATION,
  max_tokens: whole('Output tokens at most. A balance that affords less makes a shorter answer.'),
  stream: flag,
  stop_sequences: list(text()),
  temperature: number(0, 1),
  top_p: number(0, 1),
  top_k: whole(),
})

const USAGE = object([], {
  input_tokens: whole(),
  cache_read_input_tokens: whole(),
  cache_creation_input_tokens: whole(),
  output_tokens: whole(),
})

export const MESSAGES_DOCS: Docs = {
  name: 'Messages',
  summary: 'A message in Anthropic’s form',
  request: { type: JSON_TYPE, schema: REQUEST, parts: PARTS },
  answer: {
    type: JSON_TYPE,
    schema: object(['content'], {
      id: text(),
      type: { const: 'message' },
      role: { const: 'assistant' },
      model: text(),
      content: list({ type: 'object' }),
      stop_reason: { type: ['string', 'null'] },
      usage: ref('AnthropicUsage'),
    }),
    parts: { AnthropicUsage: USAGE },
  },
  stream: {
    type: EVENT_STREAM,
    schema: text(
      'Server-sent events with names. The cost is a comment, `: satgate cost_msat=52`, on the line before `event: message_stop`; where an error ends the stream it is the very last line.',
    ),
    cost: 'A stream tells it in a comment on the line before `event: message_stop`, for example `: satgate cost_msat=52`. If an error ends the stream, the comment is its last line.',
  },
  example: (model) => ({
    model,
    max_tokens: 64,
    messages: [{ role: 'user', content: 'Say hello.' }],
  }),
}
