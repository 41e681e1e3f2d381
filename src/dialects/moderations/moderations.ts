import { err, ok, type Result } from '../../floor/result.ts'
import type { Dialect, Malformed, MediaTerms } from '../dialect.ts'
import { refuse, unpriced } from '../kit/checks.ts'
import { type Input, inputDialect } from '../kit/input-dialect.ts'
import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import type { OnePiece } from '../kit/one-piece.ts'
import { Pictures } from '../kit/pictures.ts'
import { Readable } from '../kit/readable.ts'
import { countIn } from '../kit/usage-report.ts'
import { openAiErrors } from '../openai/errors.ts'
import { MODERATION_DOCS } from './docs.ts'

const MOST_INPUTS = 2_048
/** The most tokens that a template puts around each text. */
const AROUND = 16

/**
 * OpenAI reports no usage, so the input is counted. Mistral reports one.
 */
const ANSWER: OnePiece = {
  results({ results }) {
    const some = Array.isArray(results) && results.length > 0 && results.every(isJudgement)
    return some ? results.length : null
  },
  input({ usage }) {
    if (!isObject(usage)) return null
    return countIn(usage.prompt_tokens) ?? countIn(usage.total_tokens)
  },
}

const isJudgement = (result: Json): boolean =>
  isObject(result) && (typeof result.flagged === 'boolean' || isObject(result.categories))

/** `POST /v1/moderations` (OpenAI API reference, "Create moderation"). It must name a model here. */
export const moderations: Dialect = inputDialect({
  name: 'moderations',
  path: '/v1/moderations',
  passed: new Set(['model', 'input']),
  find,
  answer: ANSWER,
  errors: openAiErrors,
  docs: MODERATION_DOCS,
})

const TAKES = 'input must be a string, a list of strings, or a list of parts with text or pictures.'

function find({ input }: JsonObject, terms: MediaTerms): Result<Input, Malformed> {
  if (input === undefined || input === null)
    return err(refuse('missing_required_parameter', `input is missing. ${TAKES}`, 'input'))
  const list = typeof input === 'string' ? [input] : input
  if (!Array.isArray(list) || list.length === 0) return err(refuse('invalid_type', TAKES, 'input'))
  if (list.length > MOST_INPUTS) {
    const message = `input has more than ${MOST_INPUTS} entries. Send them in several requests.`
    return err(refuse('invalid_value', message, 'input'))
  }
  if (list.every((one) => typeof one === 'string')) return ok(texts(list))
  return list.every(isObject) ? parts(list, terms) : err(refuse('invalid_type', TAKES, 'input'))
}

/** Each text is judged by itself. */
function texts(list: readonly string[]): Input {
  const readable = new Readable()
  let most = 0
  for (const text of list) {
    const before = readable.bound
    readable.text(text)
    most = Math.max(most, readable.bound - before)
  }
  const longest = most === 0 ? 1 : most / readable.bound
  return { prompts: list.length, longest, around: AROUND, readable }
}

/** All parts are judged together. */
function parts(list: readonly JsonObject[], terms: MediaTerms): Result<Input, Malformed> {
  const readable = new Readable()
  const pictures = new Pictures(terms)
  for (const [at, part] of list.entries()) {
    const refusal = addPart(part, { readable, pictures, param: `input[${at}]` })
    if (refusal !== null) return err(refusal)
  }
  return ok({ prompts: 1, longest: 1, around: AROUND * list.length, readable })
}

function addPart(
  { type, ...part }: JsonObject,
  read: { readonly readable: Readable; readonly pictures: Pictures; readonly param: string },
): Malformed | null {
  const { readable, pictures, param } = read
  if (type !== 'text' && type !== 'image_url') return unpriced(param)
  const value = part[type]
  const [other] = Object.keys(part).filter((key) => key !== type)
  if (other !== undefined) return unpriced(`${param}.${other.slice(0, 64)}`)
  if (type === 'text') {
    if (typeof value !== 'string')
      return refuse('invalid_type', `${param}.text must be a string.`, `${param}.text`)
    readable.text(value)
    return null
  }
  const { url, ...beside } = isObject(value) ? value : { url: value }
  if (typeof url !== 'string' || Object.keys(beside).length > 0) {
    const message = `${param}.image_url must be an object with a url alone.`
    return refuse('invalid_type', message, `${param}.image_url`)
  }
  const picture = pictures.url(url, null, `${param}.image_url.url`)
  if (!picture.ok) return picture.error
  readable.tokens(picture.value)
  return null
}
