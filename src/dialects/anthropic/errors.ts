import { object, type Schema, text } from '../../floor/json-schema.ts'
import type { Envelope, Problem } from '../dialect.ts'

const DETAIL: Schema = object(['type', 'message'], {
  type: text(),
  message: text('For people: what is wrong and what to do about it.'),
})

/**
 * The envelope of the Messages API (Anthropic API reference, "Errors"). Its SDKs show the whole body if
 * `error.message` is not where they look for it, so machine fields stand beside `error`.
 */
export const anthropicErrors: Envelope = {
  name: 'Anthropic',
  contentType: 'application/json; charset=utf-8',
  error: ({ status, message }: Problem) => ({
    type: 'error',
    error: { type: typeOf(status), message },
  }),
  schema: { type: { const: 'error' }, error: DETAIL },
  parts: {},
}

const TYPES: Readonly<Record<number, string>> = {
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

/** The `type` that Anthropic gives an error of this status. */
function typeOf(status: number): string {
  return TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
}
