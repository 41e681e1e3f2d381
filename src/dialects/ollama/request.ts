import { err, ok, type Result } from '../../floor/result.ts'
import type { Backend, Malformed } from '../dialect.ts'
import { ambiguous, modelRefused, notBoolean, notWhole, refuse } from '../kit/checks.ts'
import { folded, isObject, type Json, type JsonObject } from '../kit/json.ts'
import { type Document, readObject } from '../kit/json-object.ts'
import { isMedia } from '../kit/media-keys.ts'
import type { Pictures } from '../kit/pictures.ts'
import type { Readable } from '../kit/readable.ts'
import { BOUNDING, type Schemas, unbounded } from '../kit/schema.ts'
import type { Sifted } from '../kit/sift.ts'
import { KNOWN } from './fields.ts'
import { optionsRefused } from './options.ts'

/** As many alternatives to each token as Ollama takes. Each makes every line longer, at no price. */
const MOST_LOGPROBS = 20
const FLAGS = ['stream', 'shift', 'truncate', 'logprobs'] as const
const SCHEMAS: Schemas = { grammars: ['format'], tools: ['tools'] }

/** Opens a body and makes sure that it can be read, and priced, in one way only. */
export function open(
  body: Uint8Array,
  also: ReadonlySet<string>,
  apart: string,
): Result<Document, Malformed> {
  const read = readObject(body, { apart, watch: BOUNDING })
  if (!read.ok) return err(refuse(read.error.code, read.error.message))
  const { value } = read.value
  const refusal =
    misspelt(value, also) ??
    modelRefused(value) ??
    first(FLAGS, (name) => notBoolean(value[name], name)) ??
    optionsRefused(value) ??
    notWhole(value, 'top_logprobs', 0, MOST_LOGPROBS) ??
    toolsRefused(value)
  return refusal === null ? ok(read.value) : err(refusal)
}

/** Ollama reads the names of fields in capital letters too, because Go does. */
function misspelt(request: JsonObject, also: ReadonlySet<string>): Malformed | null {
  const key = folded(request, KNOWN) ?? folded(request, also)
  return key === null || also.has(key) ? null : ambiguous(key, key)
}

function first<T>(of: readonly T[], check: (one: T) => Malformed | null): Malformed | null {
  for (const one of of) {
    const refusal = check(one)
    if (refusal !== null) return refusal
  }
  return null
}

/** Only functions of the client: a tool that runs at the model server has no price (threats L18). */
function toolsRefused({ tools }: JsonObject): Malformed | null {
  if (tools === undefined || tools === null) return null
  if (!Array.isArray(tools) || !tools.every(isObject)) {
    return refuse('invalid_type', 'tools must be a list of tools.', 'tools')
  }
  const own = tools.every(({ type }) => type === undefined || type === '' || type === 'function')
  return own ? null : refuse('unsupported_content', HOSTED, 'tools')
}

const HOSTED =
  'tools holds one that the model server would run itself, which has no price here. Send tools of the type function only.'

/** Refuses a schema that would make a backend crash (threats K22). */
export function tooMuch(
  request: JsonObject,
  backend: Backend,
  { members }: Document,
): Malformed | null {
  const key = unbounded(request, { backend, members, schemas: SCHEMAS })
  if (key === null) return null
  const message = `${key} asks for more repetitions than are allowed here. Make its bounds smaller.`
  return refuse('invalid_value', message, key)
}

/** The members besides the prompt that a template may write: a schema, and tools. */
const ALSO_READ = ['format', 'tools', 'think'] as const

/** Walks the members besides the prompt that a model can read, and those that the operator added. */
export function readRest(
  { document, sifted }: { readonly document: Document; readonly sifted: Sifted },
  apart: string,
  readable: Readable,
): void {
  const { request } = sifted
  for (const key in request) {
    if (key === apart || (KNOWN.has(key) && !ALSO_READ.some((one) => one === key))) continue
    const value = request[key] as Json
    if (typeof value !== 'string' && typeof value !== 'object') continue
    if (value === document.value[key]) readable.member(document, key, value)
    else readable.value(value)
  }
}

/** Reads a text that may be missing. */
export const textOf = (request: JsonObject, param: string): Result<string, Malformed> => {
  const value = request[param]
  if (value === undefined || value === null) return ok('')
  if (typeof value === 'string') return ok(value)
  return err(refuse('invalid_type', `${param} must be a string.`, param))
}

/** Reads pictures, a list of base64 texts (threats L19). What they can be is in the bound then. */
export function readImages(
  images: Json | undefined,
  param: string,
  { readable, pictures }: { readonly readable: Readable; readonly pictures: Pictures },
): Malformed | null {
  if (images === undefined || images === null) return null
  if (!Array.isArray(images)) return noPictures(param)
  for (const [at, image] of images.entries()) {
    const where = `${param}[${at}]`
    if (typeof image !== 'string') return noPictures(where)
    const tokens = pictures.base64(image, where)
    if (!tokens.ok) return tokens.error
    readable.tokens(tokens.value)
  }
  return null
}

const noPictures = (param: string): Malformed =>
  refuse('invalid_type', `${param} must be base64: images are a list of such texts.`, param)

/** Another member that holds something other than text. */
export const otherMedia = (message: JsonObject): string | null =>
  Object.keys(message).find((key) => key !== 'images' && message[key] !== null && isMedia(key)) ??
  null
