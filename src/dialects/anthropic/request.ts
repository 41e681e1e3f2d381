import { err, ok, type Result } from '../../floor/result.ts'
import type { Backend, Malformed, Terms } from '../dialect.ts'
import { ambiguous, modelRefused, NO_LIMIT, notALimit, notBoolean, refuse } from '../kit/checks.ts'
import { folded, isObject, type Json, type JsonObject } from '../kit/json.ts'
import { type Document, readObject } from '../kit/json-object.ts'
import type { Purpose } from '../kit/json-scan.ts'
import { Readable } from '../kit/readable.ts'
import { BOUNDING, type Schemas, unbounded } from '../kit/schema.ts'
import { type Sifted, sift } from '../kit/sift.ts'
import { cacheRefused } from './cache.ts'
import { readConversation } from './content.ts'
import { CONTEXT, HOSTED, KNOWN, NOT_PROMPT, PASSED, SWITCHES } from './fields.ts'
import { toolsOf } from './tools.ts'

/** A request that was read. */
export interface Opened {
  readonly document: Document
  readonly sifted: Sifted
  readonly readable: Readable
  /** Messages, calls of tools and tools. A template puts tokens around each. */
  readonly parts: number
}

const PURPOSE: Purpose = { apart: 'messages', watch: BOUNDING }
const SCHEMAS: Schemas = { grammars: ['output_format', 'output_config'], tools: ['tools'] }
const PASSING = { passed: PASSED, switches: SWITCHES }

/** The checks of the outermost members. The first that fails is answered. */
const CHECKS: readonly ((request: JsonObject, also: ReadonlySet<string>) => Malformed | null)[] = [
  (request, also) => {
    const key = folded(request, KNOWN) ?? folded(request, also)
    return key === null || also.has(key) ? null : ambiguous(key, key)
  },
  modelRefused,
  ({ stream }) => notBoolean(stream, 'stream'),
  (request) => notALimit(request, 'max_tokens'),
  hosted,
  contextRefused,
  thinkingRefused,
  (request) => cacheRefused(request, 'request'),
]

/** Opens a body and makes sure that it can be read, and priced, in one way only. */
export function open(body: Uint8Array, { also, backend, media }: Terms): Result<Opened, Malformed> {
  const read = readObject(body, PURPOSE)
  if (!read.ok) return err(refuse(read.error.code, read.error.message))
  const document = read.value
  const { value } = document
  for (const check of CHECKS) {
    const refusal = check(value, also)
    if (refusal !== null) return err(refusal)
  }
  const tools = toolsOf(value.tools)
  if ('status' in tools) return err(tools)
  const sifted = sift(PASSING, value, also)
  const refusal = tooMuch(sifted.request, backend, document)
  if (refusal !== null) return err(refusal)
  const readable = new Readable()
  const parts = readConversation(value, readable, media)
  if (!parts.ok) return parts
  if (tools.tokens > 0) readable.tokens(tools.tokens)
  readRest(document, sifted.request, readable)
  return ok({ document, sifted, readable, parts: parts.value + tools.count })
}

/** State and tools of the backend, and what changes its price (threats L18). */
function hosted(request: JsonObject): Malformed | null {
  for (const key of HOSTED) {
    const value = request[key]
    if (value === undefined || value === null) continue
    const message = `${key} is not served: what the model server keeps or runs by itself, and other prices for the same model, have no price here. Leave it out.`
    return refuse('unsupported_parameter', message, key)
  }
  return null
}

/**
 * Clients ask for old content to be forgotten. Without it the model reads more, at the usual price, so
 * the field is left out. A summary that the backend writes would be output that no limit bounds.
 */
function contextRefused(request: JsonObject): Malformed | null {
  const value = request[CONTEXT]
  if (value === undefined || value === null) return null
  const edits = isObject(value) ? (value.edits ?? []) : null
  const forgets =
    Array.isArray(edits) && edits.every((edit) => isObject(edit) && isForgetting(edit.type))
  if (forgets) return null
  const message = `${CONTEXT} is served only for edits that clear old content (types that begin with clear_), and those have no effect here. Leave it out.`
  return refuse('unsupported_parameter', message, CONTEXT)
}

const isForgetting = (type: Json | undefined): boolean =>
  typeof type === 'string' && type.startsWith('clear_')

const THINKING: ReadonlySet<string> = new Set(['type', 'budget_tokens', 'display'])

/** `thinking` is written anew if its budget does not fit, so every member of it must be known. */
function thinkingRefused({ thinking }: JsonObject): Malformed | null {
  if (thinking === undefined || thinking === null) return null
  const param = 'thinking'
  if (!isObject(thinking)) {
    const message = 'thinking must be an object, as in {"type": "disabled"}.'
    return refuse('invalid_type', message, param)
  }
  const key = folded(thinking, THINKING)
  if (key !== null) return ambiguous(key, param)
  const { budget_tokens: budget } = thinking
  if (budget === undefined || (Number.isSafeInteger(budget) && Number(budget) >= 0)) return null
  return refuse(
    'invalid_value',
    'thinking.budget_tokens must be a whole number of 0 or more.',
    'thinking.budget_tokens',
  )
}

/** Refuses a schema that would make a backend crash. A tool is compiled if its call is forced. */
function tooMuch(request: JsonObject, backend: Backend, { members }: Document): Malformed | null {
  const { tool_choice: choice } = request
  const forced = isObject(choice) && (choice.type === 'any' || choice.type === 'tool')
  const key = unbounded(
    { ...request, tool_choice: forced ? 'required' : 'auto' },
    { backend, members, schemas: SCHEMAS },
  )
  if (key === null) return null
  return refuse(
    'invalid_value',
    `${key} asks for more repetitions than are allowed here. Make its bounds smaller.`,
    key,
  )
}

/** The client's own output limit. 0 makes one token, as with llama.cpp. */
export function limitOf({ max_tokens: limit }: JsonObject): number | null {
  return typeof limit === 'number' && limit !== NO_LIMIT ? Math.max(1, limit) : null
}

/** Adds the outermost members that a model can read, besides the conversation. */
function readRest(document: Document, sent: JsonObject, readable: Readable): void {
  for (const key in sent) {
    if (NOT_PROMPT.has(key)) continue
    const value = sent[key] as Json
    if (typeof value !== 'string' && typeof value !== 'object') continue
    // A member that was sifted differs from the bytes.
    if (value === document.value[key]) readable.member(document, key, value)
    else readable.value(value)
  }
}
