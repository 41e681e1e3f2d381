import { err, ok, type Result } from '../../floor/result.ts'
import type { Malformed, MediaTerms } from '../dialect.ts'
import { ambiguous, refuse, unpriced } from '../kit/checks.ts'
import { folded, isObject, type Json, type JsonObject } from '../kit/json.ts'
import { isMedia } from '../kit/media-keys.ts'
import { Pictures } from '../kit/pictures.ts'
import type { Readable } from '../kit/readable.ts'
import { cacheRefused } from './cache.ts'
import { BLOCK } from './fields.ts'
import { pictureOf } from './pictures.ts'

/** Blocks of text, and of what a model or a tool has said before. All their strings are in the bound. */
const TEXTS: ReadonlySet<string> = new Set([
  ...['text', 'tool_use', 'tool_result', 'thinking', 'redacted_thinking', 'search_result'],
])

/** How deep blocks stand in each other: a picture in the result of a tool. */
const MOST_DEPTH = 3

const AS_IN = 'Send for example "messages": [{"role": "user", "content": "Hello"}].'

/**
 * Reads `messages` and `system` into `readable`, or says which part has no price.
 * @returns the number of messages and calls of tools. A template puts tokens around each
 */
export function readConversation(
  { messages, system }: JsonObject,
  readable: Readable,
  media: MediaTerms,
): Result<number, Malformed> {
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(isObject)) {
    const missing = messages === undefined
    const code = missing ? 'missing_required_parameter' : 'invalid_type'
    const words = missing ? 'is missing' : 'must be a list of at least one message'
    return err(refuse(code, `messages ${words}. ${AS_IN}`, 'messages'))
  }
  const reader = new Reader(readable, media)
  const first = system === undefined || system === null ? null : reader.content(system, 'system', 0)
  if (first !== null) return err(first)
  for (const [at, message] of messages.entries()) {
    const refusal = reader.message(message, `messages[${at}]`)
    if (refusal !== null) return err(refusal)
  }
  return ok(messages.length + reader.parts)
}

/** Walks the blocks of one request. Each method returns why the request is refused, or null. */
class Reader {
  /** Blocks besides text. */
  parts = 0
  readonly #readable: Readable
  readonly #pictures: Pictures

  constructor(readable: Readable, media: MediaTerms) {
    this.#readable = readable
    this.#pictures = new Pictures(media)
  }

  message(message: JsonObject, param: string): Malformed | null {
    const refusal = unclear(message, param)
    if (refusal !== null) return refusal
    this.#rest(message, ['content'])
    const { content } = message
    if (content === undefined || content === null) return null
    return this.content(content, `${param}.content`, 0)
  }

  /** A text, or a list of blocks. */
  content(content: Json, param: string, depth: number): Malformed | null {
    if (typeof content === 'string') {
      this.#readable.text(content)
      return null
    }
    if (!Array.isArray(content) || depth > MOST_DEPTH)
      return refuse('invalid_type', `${param} must be a string or a list of blocks.`, param)
    for (const [at, block] of content.entries()) {
      const refusal = this.#block(block, `${param}[${at}]`, depth)
      if (refusal !== null) return refusal
    }
    return null
  }

  #block(block: Json, param: string, depth: number): Malformed | null {
    if (!isObject(block)) {
      const message = `${param} must be an object, as in {"type": "text", "text": "Hello"}.`
      return refuse('invalid_type', message, param)
    }
    const refusal = unclear(block, param)
    if (refusal !== null) return refusal
    const { type } = block
    if (type === 'image') return this.#picture(block, param)
    if (type === 'document') return this.#document(block, param)
    if (typeof type !== 'string' || !TEXTS.has(type)) return notServed(type, param)
    if (type !== 'text') this.parts += 1
    const { content } = block
    if (content === undefined || content === null) return this.#rest(block, [])
    return this.#rest(block, ['content']) ?? this.content(content, `${param}.content`, depth + 1)
  }

  #picture(block: JsonObject, param: string): Malformed | null {
    const tokens = pictureOf(block.source, this.#pictures, `${param}.source`)
    if (!tokens.ok) return tokens.error
    this.parts += 1
    this.#readable.tokens(tokens.value)
    return this.#rest(block, ['source'])
  }

  /** A document of plain text is text. The pages of others have no bound that can be seen. */
  #document(block: JsonObject, param: string): Malformed | null {
    const { source } = block
    const isText = isObject(source) && source.type === 'text' && source.media_type === 'text/plain'
    if (!isText) {
      const message = `${param} is a document whose pages have no price here. Send its text instead: {"type": "text", "media_type": "text/plain", "data": "…"} as its source.`
      return refuse('unsupported_content', message, param)
    }
    const key = folded(source, BLOCK)
    if (key !== null) return ambiguous(key, `${param}.source`)
    this.parts += 1
    return this.#rest(block, [])
  }

  /** Every other member of a message or a block. */
  #rest(block: JsonObject, read: readonly string[]): null {
    for (const key in block) {
      if (read.includes(key) || key === 'cache_control') continue
      if (!BLOCK.has(key)) this.#readable.key(key)
      this.#readable.value(block[key] as Json)
    }
    return null
  }
}

/** Refuses a key that can be read in two ways, media under another name, and a long cache entry. */
function unclear(block: JsonObject, param: string): Malformed | null {
  const key = folded(block, BLOCK)
  if (key !== null) return ambiguous(key, param)
  for (const [name, value] of Object.entries(block)) {
    if (value !== null && isMedia(name)) return unpriced(`${param}.${name}`)
  }
  return cacheRefused(block, param)
}

/** Blocks of tools and files that live at the backend have names of their own (threats L18). */
function notServed(type: Json | undefined, param: string): Malformed {
  const named = typeof type === 'string' ? type.replace(/[^\w.-]/g, '').slice(0, 64) : 'none'
  return refuse(
    'unsupported_content',
    `${param} is a block of the type ${named}, which has no price here. Send blocks of text, images, and calls and results of tools that you run yourself.`,
    param,
  )
}
