import { err, ok, type Result } from '../../floor/result.ts'
import type { Backend, Malformed } from '../dialect.ts'
import {
  ambiguous,
  MOST_LOOKED_BACK,
  modelRefused,
  NO_LIMIT,
  notALimit,
  notBoolean,
  notWhole,
  refuse,
  unpriced,
} from '../kit/checks.ts'
import { folded, isObject, type Json, type JsonObject } from '../kit/json.ts'
import { type Document, readObject } from '../kit/json-object.ts'
import type { Purpose } from '../kit/json-scan.ts'
import { isMedia } from '../kit/media-keys.ts'
import type { Readable } from '../kit/readable.ts'
import { BOUNDING, type Schemas, unbounded } from '../kit/schema.ts'
import type { Api } from './endpoint.ts'
import { FORMATS, GUIDES, LIMITS, NOT_PROMPT, STREAM_OPTIONS, TOOLS } from './fields.ts'
import { OUTLINE, outlineOf } from './outline.ts'
import { KNOWN } from './passed.ts'

type Check = (request: JsonObject, also: ReadonlySet<string>) => Malformed | null

const MOST_CHOICES = 128
/**
 * The most alternatives to each token, as at OpenAI. Each makes every event longer, at no price.
 */
const MOST_LOGPROBS = 20

/**
 * The checks of a request to any of OpenAI's three APIs, each with the names that call for it
 * (`outline.ts`; 0 for every request). The first that fails is answered.
 */
const CHECKS: readonly (readonly [calls: number, Check])[] = [
  [
    OUTLINE.unknown,
    (request, also) => {
      const key = folded(request, KNOWN) ?? folded(request, also)
      if (key === null || also.has(key)) return null
      return ambiguous(key, key)
    },
  ],
  [0, modelRefused],
  [0, ({ stream }) => notBoolean(stream, 'stream')],
  [
    OUTLINE.streamOptions,
    ({ stream_options: options }) => {
      if (options === undefined || options === null) return null
      const param = 'stream_options'
      if (!isObject(options)) {
        const message = `${param} must be an object, as in {"include_usage": true}.`
        return refuse('invalid_type', message, param)
      }
      const key = folded(options, STREAM_OPTIONS)
      if (key !== null) {
        return ambiguous(key, param)
      }
      return notBoolean(options.include_usage, `${param}.include_usage`)
    },
  ],
  [
    OUTLINE.limit,
    (request) => notALimit(request, 'max_tokens') ?? notALimit(request, 'max_completion_tokens'),
  ],
  [
    OUTLINE.counts,
    (request) =>
      notWhole(request, 'n', 1, MOST_CHOICES) ?? notWhole(request, 'best_of', 1, MOST_CHOICES),
  ],
  [
    OUTLINE.counts,
    (request) =>
      notWhole(request, 'top_logprobs', 0, MOST_LOGPROBS) ??
      (typeof request.logprobs === 'number'
        ? notWhole(request, 'logprobs', 0, MOST_LOGPROBS)
        : null),
  ],
  [
    OUTLINE.counts,
    (request) =>
      notWhole(request, 'repeat_last_n', -1, MOST_LOOKED_BACK) ??
      notWhole(request, 'dry_penalty_last_n', -1, MOST_LOOKED_BACK),
  ],
  [
    OUTLINE.counts,
    ({ echo }) => {
      if (echo !== true) return notBoolean(echo, 'echo')
      const message =
        'echo is not served, because a prompt that is sent back has no price. Leave it out.'
      return refuse('unsupported_parameter', message, 'echo')
    },
  ],
]

/** Where OpenAI's APIs and their relatives have schemas. */
const SCHEMAS: Schemas = { grammars: [...FORMATS, ...GUIDES], tools: TOOLS }

/** The prompt is read by itself, and schemas are looked at if they bound something. */
const PURPOSES: Readonly<Record<Api, Purpose>> = {
  'openai-chat': { apart: 'messages', watch: BOUNDING },
  'openai-completions': { apart: 'prompt', watch: BOUNDING },
  'openai-embeddings': { apart: 'input', watch: BOUNDING },
}

/** A body that was read, and the bits of its names. */
export interface Opened {
  readonly document: Document
  readonly outline: number
}

/** Opens a body and makes sure that it can be read, and priced, in one way only. */
export function open(
  api: Api,
  body: Uint8Array,
  also: ReadonlySet<string>,
): Result<Opened, Malformed> {
  const read = readObject(body, PURPOSES[api])
  if (!read.ok) return err(refuse(read.error.code, read.error.message))
  const document = read.value
  const outline = outlineOf(api, document.value)
  for (const [calls, check] of CHECKS) {
    if (calls !== 0 && (outline & calls) === 0) continue
    const refusal = check(document.value, also)
    if (refusal !== null) return err(refusal)
  }
  return ok({ document, outline })
}

/** Refuses a schema, a grammar or a pattern that would make a backend crash. */
export function tooMuch(
  request: JsonObject,
  backend: Backend,
  { members }: Document,
): Malformed | null {
  const key = unbounded(request, { backend, members, schemas: SCHEMAS })
  if (key === null) return null
  return refuse(
    'invalid_value',
    `${key} asks for more repetitions than are allowed here. Make its bounds smaller.`,
    key,
  )
}

/** Refuses images, sound and files, which have no price yet. */
export function media(request: JsonObject, outline: number): Malformed | null {
  if ((outline & (OUTLINE.media | OUTLINE.tools | OUTLINE.counts)) === 0) return null
  const { modalities } = request
  for (const [key, value] of Object.entries(request)) {
    if (value !== null && isMedia(key)) return unpriced(key)
  }
  if (hosted(request.tools)) return refuse('unsupported_content', HOSTED, 'tools')
  const text = modalities === undefined || modalities === null || String(modalities) === 'text'
  return text ? null : unpriced('modalities')
}

/** Tools that the backend itself runs, such as a search, cost more than tokens (J16). */
const hosted = (tools: Json | undefined): boolean =>
  Array.isArray(tools) &&
  tools.some((tool) => isObject(tool) && typeof tool.type === 'string' && !OWN_TOOLS.has(tool.type))

const OWN_TOOLS = new Set(['function', 'custom'])

const HOSTED =
  'tools holds one that the model server runs itself, which has no price here. Send tools of the types function and custom only.'

/**
 * The client's own output limit, the lower one of the two. 0 makes one token, as with llama.cpp.
 */
export function limitOf(request: JsonObject): number | null {
  const named = LIMITS.map((key) => request[key]).filter(
    (value) => typeof value === 'number' && value !== NO_LIMIT,
  )
  return named.length === 0 ? null : Math.max(1, Math.min(...named.map(Number)))
}

/** How many answers each prompt gets, and how many the backend makes to choose from. */
export function countOf(request: JsonObject): { shown: number; made: number } {
  const shown = typeof request.n === 'number' ? request.n : 1
  const made = typeof request.best_of === 'number' ? request.best_of : 1
  return { shown, made: Math.max(shown, made) }
}

/**
 * Walks the outermost members that a model can read, except the one that contains the prompt.
 * @param sent what passes of the request
 */
export function readRest(
  { document, outline }: Opened,
  sent: JsonObject,
  { key: apart, readable }: { readonly key: string; readonly readable: Readable },
): void {
  if ((outline & OUTLINE.read) === 0) return
  for (const key in sent) {
    if (key === apart || NOT_PROMPT.has(key)) continue
    const value = sent[key] as Json
    if (typeof value !== 'string' && typeof value !== 'object') continue
    // A member that was sifted differs from the bytes.
    if (value === document.value[key]) readable.member(document, key, value)
    else readable.value(value)
  }
}
