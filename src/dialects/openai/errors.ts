import type { Malformed } from '../dialect.ts'

/** OpenAI's error object. A 402 carries the number 402 as its code, as OpenRouter's does. */
export interface OpenAiError {
  readonly message: string
  readonly type: string
  readonly code: string | number | null
  readonly param: string | null
}

/**
 * The body of an error on an OpenAI path: the envelope that every SDK reads, and machine fields
 * beside it, never inside or instead of it.
 * @param code a name of the field's own (`model_not_found`); a 402 always carries 402.
 * @param extra `param`, and whatever stands beside `error`.
 */
export function problem(
  status: number,
  code: string,
  message: string,
  extra: { readonly param?: string | null; readonly [beside: string]: unknown } = {},
): { readonly error: OpenAiError; readonly [beside: string]: unknown } {
  const { param = null, ...beside } = extra
  const shown = status === 402 ? 402 : code
  return { error: { message, type: typeOf(status, code), code: shown, param }, ...beside }
}

/** What `read` refused, as a body. */
export const malformed = ({
  status,
  code,
  message,
  param,
}: Malformed): ReturnType<typeof problem> => problem(status, code, message, { param })

/** OpenAI's `type` for a status. */
function typeOf(status: number, code: string): string {
  if (status === 402) return 'insufficient_quota'
  if (status === 403) return 'permission_error'
  if (status === 429)
    return code === 'insufficient_quota' ? 'insufficient_quota' : 'rate_limit_error'
  if (status >= 500) return 'server_error'
  return 'invalid_request_error'
}
