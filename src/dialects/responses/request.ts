import { err, ok, type Result } from '../../floor/result.ts'
import type { Asked, Malformed, Terms } from '../dialect.ts'
import {
  ambiguous,
  modelRefused,
  NO_LIMIT,
  notALimit,
  notBoolean,
  notWhole,
  refuse,
} from '../kit/checks.ts'
import { folded, isObject, type Json, type JsonObject } from '../kit/json.ts'
import { type Document, readObject } from '../kit/json-object.ts'
import { Readable } from '../kit/readable.ts'
import { BOUNDING } from '../kit/schema.ts'
import { type Sifted, sift } from '../kit/sift.ts'
import { INCLUDED, KNOWN, LOOKED_AT, NOT_PROMPT, PASSING } from './fields.ts'
import { readInput } from './items.ts'
import { mediaOf } from './media.ts'
import { OFF } from './respell.ts'
import { stateRefused } from './state.ts'
import { type Tools, toolsOf, tooMuch } from './tools.ts'

export const NAME = 'openai-responses'

/** What `read` keeps of a request for `rewrite`. */
export interface Kept {
  readonly document: Document
  /** The outermost keys whose bytes are left out. */
  readonly gone: ReadonlySet<string>
  /** Members as JSON that are written anew. */
  readonly anew: readonly string[]
}

/** The most alternatives to each token, as at OpenAI. */
const MOST_LOGPROBS = 20
/** The most tokens that a template puts around each item or tool, and around all of them. */
const AROUND_PART = 16
const AROUND_ALL = 64

/** Reads a request to the Responses API (OpenAI API reference, "Create a model response"). */
export function readRequest(body: Uint8Array, terms: Terms): Result<Asked, Malformed> {
  const read = readObject(body, { apart: 'input', watch: BOUNDING })
  if (!read.ok) return err(refuse(read.error.code, read.error.message))
  const document = read.value
  const { value } = document
  const refusal = unclear(value, terms.also) ?? stateRefused(value)
  if (refusal !== null) return err(refusal)
  const tools = toolsOf(value)
  if (!tools.ok) return tools
  const huge = tooMuch(value, tools.value, { backend: terms.backend, document })
  if (huge !== null) return err(huge)
  const readable = new Readable()
  const items = readInput(value.input, readable, mediaOf(terms.media))
  if (!items.ok) return items
  const sifted = sift(PASSING, value, terms.also)
  readRest(sifted.request, document, { tools: tools.value, readable })
  const parts = items.value + tools.value.count + (typeof value.instructions === 'string' ? 1 : 0)
  return ok(asked(body, { document, sifted, tools: tools.value, readable, parts }))
}

/** Why a request cannot be read, or priced, in one way only; null if it can. */
function unclear(request: JsonObject, also: ReadonlySet<string>): Malformed | null {
  const key = folded(request, KNOWN) ?? folded(request, also)
  if (key !== null && !also.has(key)) return ambiguous(key, key)
  return (
    modelRefused(request) ??
    notBoolean(request.stream, 'stream') ??
    notALimit(request, 'max_output_tokens') ??
    notWhole(request, 'top_logprobs', 0, MOST_LOGPROBS) ??
    notText(request.instructions) ??
    notListed(request.include)
  )
}

function notText(instructions: Json | undefined): Malformed | null {
  if (instructions === undefined || instructions === null) return null
  if (typeof instructions === 'string') return null
  return refuse('invalid_type', 'instructions must be a text.', 'instructions')
}

function notListed(include: Json | undefined): Malformed | null {
  if (include === undefined || include === null || Array.isArray(include)) return null
  return refuse('invalid_type', 'include must be a list.', 'include')
}

/** Walks the members that a model can read, except `input`. */
function readRest(
  sent: JsonObject,
  document: Document,
  { tools, readable }: { readonly tools: Tools; readonly readable: Readable },
): void {
  for (const key in sent) {
    if (key === 'input' || NOT_PROMPT.has(key)) continue
    const value = sent[key] as Json
    if (key === 'tools' && tools.left.length > 0) readable.value([...(tools.sent ?? [])])
    else if (typeof value !== 'string' && typeof value !== 'object') continue
    else if (value === document.value[key]) readable.member(document, key, value)
    else readable.value(value)
  }
}

interface Read {
  readonly document: Document
  readonly sifted: Sifted
  readonly tools: Tools
  readonly readable: Readable
  readonly parts: number
}

const NOTHING = new Uint8Array(0)

/** Puts together what was read. */
function asked(body: Uint8Array, { document, sifted, tools, readable, parts }: Read): Asked {
  const { request } = sifted
  const { text } = request
  const formatted = isObject(text) && text.format !== undefined
  const limit = request.max_output_tokens
  const { gone, anew, ignored } = partly(sifted, { document, tools })
  return {
    dialect: NAME,
    body,
    model: String(request.model),
    stream: request.stream === true,
    wantsUsage: true,
    ignored,
    limit: typeof limit === 'number' && limit !== NO_LIMIT ? Math.max(1, limit) : null,
    ...{ prompts: 1, longest: 1, choices: 1, hasOutput: true },
    plain: tools.count === 0 && !formatted && request.chat_template_kwargs === undefined,
    most: { input: readable.bound + AROUND_PART * parts + AROUND_ALL },
    texts: () => readable.texts(),
    ids: readable.ids,
    parts,
    splice: { document, gone, anew } satisfies Kept,
    // Of the record that it is called on: later steps have copies of this one.
    forget(this: { body: Uint8Array; splice: unknown }) {
      this.body = NOTHING
      this.splice = null
      readable.forget()
    },
  }
}

/** What is left out of a request, or written anew, and the names of what is left out. */
function partly(
  { request, gone, anew, ignored }: Sifted,
  { document, tools }: { readonly document: Document; readonly tools: Tools },
): Omit<Kept, 'document'> & { readonly ignored: readonly string[] } {
  const out = new Set([...(gone ?? []), ...OFF])
  const written = [...anew]
  const names = new Set(ignored)
  const write = (key: string, value: Json | undefined): void => {
    out.add(key)
    if (value !== undefined) written.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`)
  }
  // Each of these says the same as leaving it out, or the request was refused.
  for (const key of LOOKED_AT) names.delete(key)
  if (document.value.store === true) names.add('store')
  if (tools.left.length > 0) {
    write('tools', [...(tools.sent ?? [])])
    for (const type of tools.left) names.add(`tools.${type}`)
  }
  const { include, stream_options: options } = request
  if (Array.isArray(include) && !include.every((one) => INCLUDED.has(one))) {
    write(
      'include',
      include.filter((one) => INCLUDED.has(one)),
    )
    names.add('include')
  }
  if (options !== undefined) write('stream_options', optionsOf(options))
  return { gone: out, anew: written, ignored: [...names] }
}

/** Usage comes unasked in this API. Obfuscation stays as the client asked. */
function optionsOf(options: Json): Json | undefined {
  const obfuscation = isObject(options) ? options.include_obfuscation : undefined
  return typeof obfuscation === 'boolean' ? { include_obfuscation: obfuscation } : undefined
}
