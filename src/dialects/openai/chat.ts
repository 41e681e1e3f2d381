import { err, ok, type Result } from '../../floor/result.ts'
import type { Dialect, Malformed, MediaTerms } from '../dialect.ts'
import { ambiguous, refuse, unpriced } from '../kit/checks.ts'
import { folded, isObject, type Json, type JsonObject } from '../kit/json.ts'
import { isMedia } from '../kit/media-keys.ts'
import { Readable } from '../kit/readable.ts'
import { openAiDialect, type Prompt } from './dialect.ts'
import { CHAT } from './endpoint.ts'
import { MESSAGE, TEXT_PARTS } from './fields.ts'
import { MediaParts, mediaTypeOf } from './media-parts.ts'

/** `POST /v1/chat/completions` (OpenAI API reference, "Create chat completion"). */
export const openaiChat: Dialect = openAiDialect(CHAT, conversation)

const AS_IN = 'Send for example "messages": [{"role": "user", "content": "Hello"}].'

function conversation(request: JsonObject, terms: MediaTerms): Result<Prompt, Malformed> {
  const { messages } = request
  if (messages === undefined) {
    const message = `messages is missing. ${AS_IN}`
    return err(refuse('missing_required_parameter', message, 'messages'))
  }
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(isObject)) {
    const message = `messages must be a list of at least one message. ${AS_IN}`
    return err(refuse('invalid_type', message, 'messages'))
  }
  const readable = new Readable()
  const media = new MediaParts(terms)
  let parts = messages.length
  let at = 0
  for (const message of messages) {
    const refusal = isPlain(message) ? null : unclear(message, `messages[${at}]`, media)
    if (refusal !== null) return err(refusal)
    readMessage(message, readable)
    if (Array.isArray(message.tool_calls)) parts += message.tool_calls.length
    at += 1
  }
  readable.tokens(media.tokens)
  return ok({ key: 'messages', prompts: 1, longest: 1, parts, readable })
}

/** A message like almost all others: known keys, no media, and a text. */
function isPlain(message: JsonObject): boolean {
  for (const key in message) {
    if (key === 'role') continue
    if (key !== 'content') {
      if (!PLAIN_KEYS.has(key)) return false
    } else if (typeof message[key] !== 'string') return false
  }
  return true
}

const PLAIN_KEYS: ReadonlySet<string> = new Set([...MESSAGE].filter((key) => !isMedia(key)))

/**
 * A template writes the texts of the parts of a content, and nothing else of them. Pictures and sound
 * are in the bound by themselves.
 */
function readMessage(message: JsonObject, readable: Readable): void {
  for (const key in message) {
    if (key === 'content') continue
    if (!MESSAGE.has(key)) readable.key(key)
    readable.value(message[key] as Json)
  }
  const { content } = message
  if (typeof content === 'string') readable.text(content)
  if (!Array.isArray(content)) return
  for (const part of content) {
    if (isObject(part) && mediaTypeOf(part) === null) readable.members(part, MESSAGE)
  }
}

/** Why a message cannot be priced, or null. Its pictures and sound are added to `media`. */
function unclear(message: JsonObject, param: string, media: MediaParts): Malformed | null {
  const key = folded(message, MESSAGE)
  if (key !== null) {
    return ambiguous(key, param)
  }
  for (const [key, value] of Object.entries(message)) {
    if (value !== null && isMedia(key)) return unpriced(`${param}.${key}`)
  }
  const { content } = message
  if (content === undefined || content === null || typeof content === 'string') return null
  const where = `${param}.content`
  if (!Array.isArray(content)) {
    return refuse('invalid_type', `${where} must be a string or a list of parts.`, where)
  }
  for (const [at, part] of content.entries()) {
    const refusal = unclearPart(part, `${where}[${at}]`, media)
    if (refusal !== null) return refusal
  }
  return null
}

function unclearPart(part: Json, param: string, media: MediaParts): Malformed | null {
  if (!isObject(part)) {
    const message = `${param} must be an object, as in {"type": "text", "text": "Hello"}.`
    return refuse('invalid_type', message, param)
  }
  const key = folded(part, MESSAGE)
  if (key !== null) {
    return ambiguous(key, param)
  }
  const type = mediaTypeOf(part)
  if (type !== null) return media.add(part, type, param)
  const text = typeof part.type === 'string' && TEXT_PARTS.has(part.type)
  const other = Object.entries(part).some(([key, value]) => value !== null && isMedia(key))
  return text && !other ? null : unpriced(param)
}
