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

/** The media type of every request and of every answer that is no stream. */
export const JSON_TYPE = 'application/json'

const REQUEST: Schema = object(['model', 'input'], {
  model: ref('ModelName'),
  input: {
    anyOf: [{ type: 'string' }, { ...list({ type: 'object' }), minItems: 1 }],
    description: 'A text, or the whole conversation as a list of items. Nothing of it is kept.',
  },
  instructions: { type: ['string', 'null'] },
  stream: flag,
  max_output_tokens: {
    type: ['integer', 'null'],
    description: 'Output tokens at most. A balance that affords less makes a shorter answer.',
  },
  temperature: number(0, 2),
  top_p: number(0, 1),
  tools: {
    ...list({ type: 'object' }),
    description: 'Tools that your own program runs: function, custom. Others are refused.',
  },
  tool_choice: { anyOf: [{ type: 'string' }, { type: 'object' }] },
  text: { type: 'object', description: 'The format of the answer, for example a JSON Schema.' },
  reasoning: { type: ['object', 'null'] },
  store: { type: ['boolean', 'null'], description: 'Always false at the model server.' },
})

const USAGE: Schema = object(['input_tokens', 'output_tokens'], {
  input_tokens: whole(),
  output_tokens: whole(),
  total_tokens: whole(),
})

/** The backend's answer is passed on as it is. Only what every backend sends is required. */
const ANSWER: Schema = object(['output'], {
  id: text(),
  object: text(),
  model: text(),
  status: { type: 'string', examples: ['completed', 'incomplete'] },
  output: list({ type: 'object' }),
  usage: ref('ResponseUsage'),
})

/** What `/openapi.json` and `/llms.txt` say about the Responses API. */
export const RESPONSES_DOCS: Docs = {
  name: 'Response',
  summary: 'Model response, without anything that is kept',
  request: { type: JSON_TYPE, schema: REQUEST, parts: {} },
  answer: { type: JSON_TYPE, schema: ANSWER, parts: { ResponseUsage: USAGE } },
  stream: {
    type: EVENT_STREAM,
    schema: text(
      'Server-sent events, each with a name. The cost is a comment, `: satgate cost_msat=52`, on the line before the last event: `response.completed`, `response.incomplete` or `response.failed`.',
    ),
    cost: 'A stream tells it in a comment on the line before its last event, for example `: satgate cost_msat=52`.',
  },
  example: (model) => ({ model, input: 'Say hello.', max_output_tokens: 64 }),
}
