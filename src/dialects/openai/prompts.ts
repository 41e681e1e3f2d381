import { err, ok, type Result } from '../../floor/result.ts'
import type { Malformed } from '../dialect.ts'
import { refuse } from '../kit/checks.ts'
import type { Json, JsonObject } from '../kit/json.ts'
import { Readable } from '../kit/readable.ts'
import type { Prompt } from './dialect.ts'

const MOST_PROMPTS = 2_048

/**
 * Reads `prompt` or `input`: a text, a list of texts, a list of token ids, or a list of such lists.
 * A mixed list is refused, because backends read it in different ways.
 */
export function prompts(request: JsonObject, key: 'prompt' | 'input'): Result<Prompt, Malformed> {
  const value = request[key]
  if (value === undefined || value === null) {
    return err(refuse('missing_required_parameter', `${key} is missing. ${takes(key)}`, key))
  }
  const list = listOf(value)
  if (list === null || list.length === 0) {
    return err(refuse('invalid_type', takes(key), key))
  }
  if (list.length > MOST_PROMPTS) {
    const message = `${key} has more than ${MOST_PROMPTS} entries. Send them in several requests.`
    return err(refuse('invalid_value', message, key))
  }
  const readable = new Readable()
  let most = 0
  for (const prompt of list) {
    const before = readable.bound
    if (typeof prompt === 'string') readable.text(prompt)
    else readable.tokens(prompt.length)
    most = Math.max(most, readable.bound - before)
  }
  const longest = most === 0 ? 1 : most / readable.bound
  return ok({ key, prompts: list.length, longest, parts: list.length, readable })
}

const takes = (key: string): string =>
  `${key} must be a string, a list of strings, or a list of token ids.`

function listOf(value: Json): (string | number[])[] | null {
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) return null
  if (isTexts(value)) return value
  if (isTokens(value)) return [value]
  return value.every(isTokens) ? value : null
}

const isTexts = (value: Json[]): value is string[] => value.every((v) => typeof v === 'string')

const isTokens = (value: Json): value is number[] =>
  Array.isArray(value) && value.every((v) => Number.isSafeInteger(v) && Number(v) >= 0)
