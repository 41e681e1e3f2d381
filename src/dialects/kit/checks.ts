import { LONGEST_MODEL, type Malformed } from '../dialect.ts'
import { fold, type Json, type JsonObject, quoted } from './json.ts'

/** Checks of a request that most APIs share. Each returns why the request is refused, or null. */

/** A refusal with status 400. */
export const refuse = (code: string, message: string, param: string | null = null): Malformed => ({
  status: 400,
  code,
  message,
  param,
})

/** Refuses a key that a forgiving parser takes for a known one, for example `Model`. */
export const ambiguous = (key: string, param: string): Malformed =>
  refuse(
    'ambiguous_key',
    `Some servers read the key ${quoted(key)} as ${quoted(fold(key))}. Write it ${quoted(fold(key))}.`,
    param,
  )

/** Refuses a part of a prompt that has no price. */
export const unpriced = (param: string): Malformed =>
  refuse(
    'unsupported_content',
    `${param} holds something that has no price here. Leave it out.`,
    param,
  )

const NO_MODEL = refuse(
  'missing_required_parameter',
  'model is missing: name one of the models at GET /v1/models.',
  'model',
)

/** A request whose price depends on its model must name one. */
export function modelRefused({ model }: JsonObject): Malformed | null {
  if (model === undefined) return NO_MODEL
  if (typeof model === 'string' && model.length > 0 && model.length <= LONGEST_MODEL) return null
  return refuse(
    'invalid_type',
    `model must be a string of 1 to ${LONGEST_MODEL} characters.`,
    'model',
  )
}

export function notBoolean(value: Json | undefined, param: string): Malformed | null {
  if (value === undefined || value === null || typeof value === 'boolean') return null
  return refuse('invalid_type', `${param} must be true or false, without quotes.`, param)
}

/** LM Studio, llama.cpp and their clients write -1 for no limit (threats K19). */
export const NO_LIMIT = -1

/** Refuses an output limit that is no count of tokens. */
export const notALimit = (request: JsonObject, param: string): Malformed | null =>
  request[param] === NO_LIMIT || notWhole(request, param, 0) === null
    ? null
    : refuse('invalid_value', `${param} must be a whole number of 1 or more. ${LEFT_OUT}`, param)

const LEFT_OUT =
  'Leave it out for the usual limit of this gate; -1 means the same as leaving it out.'

export function notWhole(
  request: JsonObject,
  param: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): Malformed | null {
  const value = request[param]
  if (value === undefined || value === null) return null
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return null
  return refuse('invalid_value', `${param} must be a whole number from ${least} to ${most}.`, param)
}

/**
 * The most tokens that a sampler may look back. llama.cpp takes memory for as many as are asked for,
 * before it makes the first one.
 */
export const MOST_LOOKED_BACK = 1_048_576
