import { isObject, type Json, type JsonObject } from '../kit/json.ts'

const MOST_TEXT = 1_000

/**
 * The error that an event or an answer contains, for the operator. Null if it contains none. Backends
 * answer 200 and write their errors in many ways (threats K8).
 */
export function failureOf(value: JsonObject): string | null {
  if (value.error) return textOf(value.error)
  const { type, object, status, success, detail, message } = value
  const isError =
    type === 'error' || object === 'error' || status === 'error' || success === false || detail
  if (!isError) return null
  return textOf(detail || message || 'an error')
}

function textOf(error: Json): string {
  if (typeof error === 'string') return error.slice(0, MOST_TEXT)
  if (!isObject(error)) return 'an error'
  const { message, type } = error
  if (typeof message === 'string') return message.slice(0, MOST_TEXT)
  return typeof type === 'string' ? type.slice(0, MOST_TEXT) : 'an error'
}
