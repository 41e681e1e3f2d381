import { err, ok, type Result } from '../../floor/result.ts'
import type { Malformed } from '../dialect.ts'
import { ambiguous, refuse, unpriced } from '../kit/checks.ts'
import { folded, isObject, type Json, type JsonObject } from '../kit/json.ts'
import { isMedia } from '../kit/media-keys.ts'
import type { Readable } from '../kit/readable.ts'
import { ownTools } from './tools.ts'

/** The members of an item, and of a part of its content, that the Responses API knows. */
const KNOWN: ReadonlySet<string> = new Set([
  ...['type', 'id', 'role', 'status', 'phase', 'content', 'summary', 'encrypted_content', 'text'],
  ...['refusal', 'annotations', 'logprobs', 'call_id', 'name', 'namespace', 'arguments', 'input'],
  ...['output', 'action', 'operation', 'execution', 'tools', 'max_output_length', 'created_by'],
  ...['image_url', 'detail', 'input_audio', 'file_id', 'file_data', 'file_url', 'filename'],
])

/** Items that hold all that they say. Others stand for something that the upstream keeps (threats L18). */
const ITEMS: ReadonlySet<unknown> = new Set([
  ...['message', 'reasoning', 'function_call', 'function_call_output', 'custom_tool_call'],
  ...['custom_tool_call_output', 'local_shell_call', 'local_shell_call_output', 'shell_call'],
  ...['shell_call_output', 'apply_patch_call', 'apply_patch_call_output', 'tool_search_call'],
  ...['tool_search_output'],
])

/** Parts of a content that are text. */
const TEXTS: ReadonlySet<unknown> = new Set([
  ...['input_text', 'output_text', 'text', 'refusal', 'summary_text', 'reasoning_text'],
])

/** Members whose parts may be media: they are read part by part. */
const PARTS = ['content', 'output', 'summary'] as const
type Parts = (typeof PARTS)[number]

/** Reads one part that is no text, a picture or a sound: its tokens, or why it has no price. */
export type ReadMedia = (part: JsonObject, param: string) => Result<number, Malformed>

const AS_IN = 'input must be a text, or a list of items as in {"role": "user", "content": "Hello"}.'

/**
 * Reads `input` into what a model can read of the request.
 * @returns the number of items; a template puts tokens around each
 */
export function readInput(
  input: Json | undefined,
  readable: Readable,
  media: ReadMedia,
): Result<number, Malformed> {
  if (input === undefined || input === null)
    return err(refuse('missing_required_parameter', `input is missing. ${AS_IN}`, 'input'))
  if (typeof input === 'string') {
    readable.text(input)
    return ok(1)
  }
  if (!Array.isArray(input) || input.length === 0 || !input.every(isObject))
    return err(refuse('invalid_type', AS_IN, 'input'))
  let at = 0
  for (const item of input) {
    const refusal = readItem(item, `input[${at}]`, { readable, media })
    if (refusal !== null) return err(refusal)
    at += 1
  }
  return ok(input.length)
}

interface Into {
  readonly readable: Readable
  readonly media: ReadMedia
}

function readItem(item: JsonObject, param: string, into: Into): Malformed | null {
  const refusal = unclear(item, param)
  if (refusal !== null) return refusal
  for (const key in item) {
    const value = item[key] as Json
    if (isLabel(key, value)) continue
    if (!KNOWN.has(key)) into.readable.key(key)
    if (Array.isArray(value) && isParts(key)) {
      const refused = readParts(value, `${param}.${key}`, into)
      if (refused !== null) return refused
    } else if (isObject(value) && isParts(key)) return notParts(`${param}.${key}`)
    else into.readable.value(value)
  }
  return item.type === 'tool_search_output' ? foundRefused(item, param) : null
}

/** A backend that takes one part instead of a list could read a picture or a file in it (threats G11). */
const notParts = (param: string): Malformed =>
  refuse('invalid_type', `${param} must be a text or a list of parts.`, param)

/** Tools that a search has found are tools of the request from then on (threats L18). */
function foundRefused({ execution, tools }: JsonObject, param: string): Malformed | null {
  const read = ownTools(tools, `${param}.tools`)
  if (!read.ok) return read.error
  if (execution === undefined || execution === null || execution === 'client') return null
  return refuse('unsupported_content', NOT_HERE, `${param}.execution`)
}

const NOT_HERE =
  'A search of tools is done by the client here: execution must be client, or be left out.'

/** No template writes these of an item. A long one may be more than a label. */
const isLabel = (key: string, value: Json): boolean =>
  (key === 'id' || key === 'status') && typeof value === 'string' && value.length <= LONGEST_LABEL

const LONGEST_LABEL = 64

const isParts = (key: string): key is Parts => PARTS.some((one) => one === key)

/** Why an item cannot be priced, or null. */
function unclear(item: JsonObject, param: string): Malformed | null {
  const key = folded(item, KNOWN)
  if (key !== null) return ambiguous(key, param)
  const type = item.type ?? (item.role === undefined ? 'item_reference' : 'message')
  if (!ITEMS.has(type)) return notKept(type, param)
  const other = Object.entries(item).find(([key, value]) => value !== null && isMedia(key))
  return other === undefined ? null : unpriced(`${param}.${other[0]}`)
}

const notKept = (type: Json, param: string): Malformed =>
  refuse(
    'unsupported_content',
    type === 'item_reference'
      ? `${param} refers to an item of an earlier answer, and this gate keeps none. Send the item itself; clients do so with store: false.`
      : `${param} is of the type ${JSON.stringify(String(type).slice(0, 64))}, which has no price here. Leave it out.`,
    param,
  )

function readParts(parts: readonly Json[], param: string, into: Into): Malformed | null {
  let at = 0
  for (const part of parts) {
    const refusal = readPart(part, `${param}[${at}]`, into)
    if (refusal !== null) return refusal
    at += 1
  }
  return null
}

function readPart(part: Json, param: string, { readable, media }: Into): Malformed | null {
  if (!isObject(part)) {
    const message = `${param} must be an object, as in {"type": "input_text", "text": "Hello"}.`
    return refuse('invalid_type', message, param)
  }
  const key = folded(part, KNOWN)
  if (key !== null) return ambiguous(key, param)
  // What a shell has printed has no type.
  if (part.type === undefined || TEXTS.has(part.type)) {
    const other = Object.entries(part).some(([key, value]) => value !== null && isMedia(key))
    if (other) return unpriced(param)
    readable.members(part, KNOWN)
    return null
  }
  const read = media(part, param)
  if (!read.ok) return read.error
  readable.tokens(read.value)
  return null
}
