import { object, ref, text } from '../../floor/json-schema.ts'
import type { Envelope, Problem } from '../dialect.ts'

/** OpenAI's error object. A 402 carries the number 402 as its code, as OpenRouter's does. */
export interface OpenAiError {
  readonly message: string
  readonly type: string
  readonly code: string | number | null
  readonly param: string | null
}

const ERROR = object(['message', 'type', 'code', 'param'], {
  message: text('For people: what is wrong and what to do about it.'),
  type: text(),
  code: { type: ['string', 'integer', 'null'], description: 'The number 402 on a 402.' },
  param: { type: ['string', 'null'] },
})

/**
 * The envelope that every SDK of OpenAI reads. Machine fields stand beside `error`, never in it.
 */
export const openAiErrors: Envelope = {
  name: '',
  contentType: 'application/json; charset=utf-8',
  error: (problem): { readonly error: OpenAiError } => ({ error: errorOf(problem) }),
  schema: { error: ref('ErrorDetail') },
  parts: { ErrorDetail: ERROR },
}

function errorOf({ status, code, message, param }: Problem): OpenAiError {
  return { message, type: typeOf(status, code), code: status === 402 ? 402 : code, param }
}

/** The `type` that OpenAI gives an error of this status. */
function typeOf(status: number, code: string): string {
  if (status === 402) return 'insufficient_quota'
  if (status === 403) return 'permission_error'
  if (status === 429)
    return code === 'insufficient_quota' ? 'insufficient_quota' : 'rate_limit_error'
  if (status >= 500) return 'server_error'
  return 'invalid_request_error'
}
