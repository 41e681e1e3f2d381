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

/**
 * The words of OpenRouter after which aider gives up at once. LiteLLM hands it the message alone, and
 * without them it tries nine times in 70 seconds.
 */
const IN_WORDS = ' ("code":402)'

function errorOf({ status, code, message, param }: Problem): OpenAiError {
  if (status === 402)
    return { message: message + IN_WORDS, type: typeOf(status, code), code: 402, param }
  return { message, type: typeOf(status, code), code, param }
}

/**
 * The error that ends a stream. What arrived is charged, so its type is not `server_error`: opencode
 * and Continue send such a request again by themselves, six times and more, and each is charged. Only
 * a gate that is stopping charges nothing, and there a second try is right.
 */
export const errorInStream = ({
  code,
  message,
}: Pick<Problem, 'code' | 'message'>): { readonly error: OpenAiError } => {
  const type = code === 'stopping' ? 'server_error' : 'upstream_error'
  return { error: { message, type, code, param: null } }
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
