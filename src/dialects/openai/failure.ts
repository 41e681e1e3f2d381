import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { choicesOf } from './choices.ts'

/**
 * The error that a chunk or an answer contains, for the operator. Null if it contains none.
 * Backends answer 200 and write their errors in many ways (K8).
 */
export function failureOf(chunk: JsonObject): string | null {
  if (chunk.error) return textOf(chunk.error)
  const choices = choicesOf(chunk)
  for (const { error, finish_reason: reason } of choices) {
    if (error || reason === 'error') return textOf(error || 'finish_reason error')
  }
  if (choices.length > 0 || isObject(chunk.usage)) return null
  return isError(chunk) ? textOf(chunk) : null
}

/** An object without choices that calls itself an error, or has the members of one. */
function isError(chunk: JsonObject): boolean {
  const { object, type, status, success, detail, errors, code, message, msg } = chunk
  if (object === 'error' || type === 'error' || status === 'error' || success === false) return true
  if (detail || errors || chunk.error_code || chunk.error_msg) return true
  return Boolean(code) && (typeof message === 'string' || typeof msg === 'string')
}

const MOST_TEXT = 1_000

function textOf(error: Json): string {
  if (typeof error === 'string') return error.slice(0, MOST_TEXT)
  if (!isObject(error)) return 'an error'
  for (const text of [error.message, error.msg, error.detail, error.error_msg]) {
    if (typeof text === 'string') return text.slice(0, MOST_TEXT)
  }
  const { code } = error
  return typeof code === 'string' || typeof code === 'number' ? `code ${code}` : 'an error'
}
