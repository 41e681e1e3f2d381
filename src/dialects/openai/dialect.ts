import { assert } from '../../floor/assert.ts'
import { err, ok, type Result } from '../../floor/result.ts'
import {
  type Asked,
  type Backend,
  type CacheKey,
  type Dialect,
  type Malformed,
  type MediaTerms,
  type Refused,
  type Rewritten,
  UNKNOWN_TERMS,
  type Wire,
} from '../dialect.ts'
import { cacheKeys } from '../kit/cache-keys.ts'
import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { type Document, splice } from '../kit/json-object.ts'
import type { Readable } from '../kit/readable.ts'
import { type Sifted, sift, untouched } from '../kit/sift.ts'
import { EVENT_STREAM, isEventStream, isLabelledEvents } from '../kit/sniff-sse.ts'
import { JSON_TYPE } from './docs.ts'
import type { Api, Endpoint } from './endpoint.ts'
import { openAiErrors } from './errors.ts'
import { LIMITS, SWITCHES, TEMPLATED } from './fields.ts'
import { OpenAiMeter } from './meter.ts'
import { OUTLINE } from './outline.ts'
import { PASSED } from './passed.ts'
import { respell } from './refused-fields.ts'
import { countOf, limitOf, media, type Opened, open, readRest, tooMuch } from './request.ts'

/** What `read` keeps of a request for `rewrite` and `meter`. */
class Parsed {
  readonly document: Document
  readonly sifted: Sifted
  /** The number of prompts. Each prompt of a list is answered by itself. */
  readonly prompts: number
  /** The number of choices in the answer. With `best_of`, the backend makes more than these. */
  readonly shown: number

  constructor(parts: {
    readonly document: Document
    readonly sifted: Sifted
    readonly prompts: number
    readonly shown: number
  }) {
    this.document = parts.document
    this.sifted = parts.sifted
    this.prompts = parts.prompts
    this.shown = parts.shown
  }
}

/** What one of the three APIs reads in its own part of a request. */
export interface Prompt {
  /** The outermost key that holds it. */
  readonly key: 'messages' | 'prompt' | 'input'
  readonly prompts: number
  /** The share of the longest prompt in all of them, from 0 to 1. */
  readonly longest: number
  /** Messages and tool calls, or prompts. A template puts tokens around each. */
  readonly parts: number
  /** What a model reads of this part. The tools and the other members come later. */
  readonly readable: Readable
}

/** Makes one of the three APIs. `find` reads the part of a request that differs between them. */
export function openAiDialect(
  endpoint: Endpoint,
  find: (request: JsonObject, media: MediaTerms) => Result<Prompt, Malformed>,
): Dialect {
  return {
    name: endpoint.name,
    path: endpoint.path,
    headers: [],
    read(body, _, { also, backend, media: terms } = UNKNOWN_TERMS) {
      const read = open(endpoint.name, body, also)
      if (!read.ok) return read
      const opened = read.value
      const { outline } = opened
      const { value } = opened.document
      const sifts = (outline & OUTLINE.sifted) !== 0
      const sifted = sifts
        ? sift({ passed: PASSED[endpoint.name], switches: SWITCHES }, value, also)
        : untouched(value)
      const compiled = (outline & OUTLINE.compiled) !== 0
      const refusal =
        media(value, outline) ??
        (compiled ? tooMuch(sifted.request, backend, opened.document) : null)
      if (refusal !== null) return err(refusal)
      const prompt = find(value, terms)
      if (!prompt.ok) return prompt
      return ok(put(endpoint.name, body, { opened, sifted, prompt: prompt.value }))
    },
    rewrite,
    respell,
    meter(asked, granted, backend) {
      const { prompts, shown } = parsed(asked)
      return new OpenAiMeter({ endpoint, asked, granted, backend, prompts, shown })
    },
    wire: WIRE,
    docs: endpoint.docs,
  }
}

const STREAM_TYPE = `${EVENT_STREAM}; charset=utf-8`
const WIRE: Wire = {
  streamType: () => STREAM_TYPE,
  isAnswer: (status) => status === 200,
  headers: [],
  answerType: (label) => (label === null || isLabelledEvents(label) ? JSON_TYPE : label),
  isStream: isEventStream,
  errors: openAiErrors,
}

const NOTHING = new Uint8Array(0)
const ONE = { shown: 1, made: 1 }
/** The most tokens that a template puts around each message or prompt, and around all of them. */
const AROUND_PART = 16
const AROUND_ALL = 64

/** Puts an opened request and its prompt together. */
function put(
  dialect: Api,
  body: Uint8Array,
  parts: { readonly opened: Opened; readonly sifted: Sifted; readonly prompt: Prompt },
): Asked {
  const { opened, sifted, prompt } = parts
  const { document, outline } = opened
  const { request, ignored } = sifted
  const stream = request.stream === true
  const options = request.stream_options
  const hasOutput = dialect !== 'openai-embeddings'
  const counts = hasOutput && (outline & OUTLINE.counts) !== 0
  const { shown, made } = counts ? countOf(request) : ONE
  const answers = hasOutput ? prompt.prompts : 1
  const { readable } = prompt
  readRest(opened, request, prompt)
  const templated = (outline & OUTLINE.templated) !== 0
  const around = prompt.parts + (templated ? listed(request) : 0)
  return {
    dialect,
    body,
    model: String(request.model),
    stream: stream && hasOutput,
    wantsUsage: stream && isObject(options) && options.include_usage === true,
    ignored,
    limit: hasOutput && (outline & OUTLINE.limit) !== 0 ? limitOf(request) : null,
    prompts: prompt.prompts,
    longest: prompt.longest,
    choices: answers * made,
    hasOutput,
    plain: !templated || !TEMPLATED.some((key) => request[key] !== undefined),
    most: { input: readable.bound + AROUND_PART * around + AROUND_ALL },
    parts: around,
    texts: () => readable.texts(),
    ids: readable.ids,
    splice: new Parsed({ document, sifted, prompts: prompt.prompts, shown: answers * shown }),
    // Of the record that it is called on: later steps have copies of this one.
    forget(this: { body: Uint8Array; splice: unknown }) {
      this.body = NOTHING
      this.splice = null
      readable.forget()
    },
  }
}

/** The number of tools and documents. A template puts tokens around each of them too. */
const listed = (request: JsonObject): number =>
  TEMPLATED.reduce((sum, key) => {
    const list = request[key]
    return sum + (Array.isArray(list) ? list.length : 0)
  }, 0)

/**
 * The body for the backend: the client's own bytes without what must not pass. The granted limit
 * per choice and the request for usage are added at its end. A limit of 0 is never sent, because
 * Ollama reads it as no limit.
 */
function rewrite(
  asked: Asked,
  output: number,
  backend: Backend,
  refused: Refused = NONE,
  cacheKey: CacheKey | null = null,
): Rewritten {
  const { document, sifted } = parsed(asked)
  const salted = backend === 'vllm' && asked.hasOutput && !refused.has('cache_salt')
  const keys = cacheKeys(sifted.request, cacheKey, salted)
  const gone = new Set([...(sifted.gone ?? []), ...keys.gone])
  const added = [...sifted.anew, ...keys.added]
  if (asked.hasOutput) {
    assert(Number.isSafeInteger(output) && output >= 0, `not an output limit: ${output}`)
    const limit = Math.max(1, output)
    for (const key of LIMITS) gone.add(key)
    for (const key of limitsLeft(asked, limitFields(asked, backend), refused))
      added.push(`"${key}":${limit}`)
  }
  const { stream_options: options } = sifted.request
  if (asked.stream && (options !== undefined || !refused.has('stream_options'))) {
    gone.add('stream_options')
    added.push(`"stream_options":${streamOptions(options)}`)
  }
  const same = added.length === 0 && document.members.every(({ key }) => !gone.has(key))
  const body = same ? asked.body : splice(document, gone, added)
  return { body, contentType: JSON_TYPE, headers: NO_HEADERS, ownCache: keys.salted }
}

const NO_HEADERS = {}

/**
 * The names of the limit that this backend obeys. Ollama and older servers ignore
 * `max_completion_tokens`. OpenAI's newer models refuse `max_tokens`, and both together; for them
 * the name that the client used is right.
 */
function limitFields(asked: Asked, backend: Backend): readonly Limit[] {
  const { request } = parsed(asked).sifted
  if (asked.dialect === 'openai-completions') return ['max_tokens']
  if (typeof request.max_completion_tokens !== 'number') return ['max_tokens']
  const both = backend !== 'other' || typeof request.max_tokens === 'number'
  return both ? ['max_tokens', 'max_completion_tokens'] : ['max_completion_tokens']
}

type Limit = (typeof LIMITS)[number]

const NONE: Refused = new Set()

/**
 * The names that are not refused or that the client used. At least one is left: a limit is always
 * sent.
 */
function limitsLeft(asked: Asked, fields: readonly Limit[], refused: Refused): readonly Limit[] {
  const { request } = parsed(asked).sifted
  const taken = (key: Limit) => request[key] !== undefined || !refused.has(key)
  const left = fields.filter(taken)
  if (left.length > 0) return left
  const other = asked.dialect === 'openai-chat' ? LIMITS.filter(taken) : []
  return other.length > 0 ? other : fields
}

/**
 * The gate always asks for usage at the end of the stream. Obfuscation stays as the client asked.
 */
function streamOptions(given: Json | undefined): string {
  const obfuscation = isObject(given) ? given.include_obfuscation : undefined
  if (typeof obfuscation !== 'boolean') return '{"include_usage":true}'
  return `{"include_usage":true,"include_obfuscation":${obfuscation}}`
}

function parsed(asked: Asked): Parsed {
  assert(asked.splice instanceof Parsed, 'a request that another dialect has read')
  return asked.splice
}
