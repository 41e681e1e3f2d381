import { object, type Schema, text } from '../floor/json-schema.ts'
import type { Envelope, Problem } from './dialect.ts'
import { ollamaErrors } from './ollama/errors.ts'
import { openAiErrors } from './openai/errors.ts'

const contentType = 'application/json; charset=utf-8'

const DETAIL: Schema = object(['type', 'message'], { type: text(), message: text() })

/** Anthropic's SDKs show the message of this object alone; of any other body they show the JSON. */
const anthropicErrors: Envelope = {
  name: 'Anthropic',
  contentType,
  error: ({ status, message }: Problem) => ({
    type: 'error',
    error: { type: status === 404 ? 'not_found_error' : 'invalid_request_error', message },
  }),
  schema: { type: { const: 'error' }, error: DETAIL },
  parts: {},
}

/** How errors are written below a path that belongs to another API than OpenAI's. */
const BELOW: readonly (readonly [path: string, Envelope])[] = [
  ['/api', ollamaErrors],
  ['/v1/messages', anthropicErrors],
]

/**
 * The envelope of an error on a path that no dialect serves, and on the gate's own endpoints. A
 * path that cannot be read in one way only is an empty string.
 */
export function envelopeOf(path: string): Envelope {
  const found = BELOW.find(([below]) => path === below || path.startsWith(`${below}/`))
  return found?.[1] ?? openAiErrors
}
