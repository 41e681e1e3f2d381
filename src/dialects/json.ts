import { isUtf8 } from 'node:buffer'
import { err, ok, type Result } from '../floor/result.ts'

export type Json = string | number | boolean | null | Json[] | JsonObject
export interface JsonObject {
  [key: string]: Json
}

/** One `"key": value` of the outermost object, as offsets into the text. */
export interface Member {
  readonly key: string
  /** Where the key's quote stands. */
  readonly start: number
  /** Just behind the value. */
  readonly end: number
}

/** A JSON object that can be read in one way only, with the places of its outermost members. */
export interface Document {
  readonly text: string
  readonly value: JsonObject
  readonly members: readonly Member[]
}

export interface Unreadable {
  readonly code: 'invalid_json' | 'duplicate_key'
  readonly message: string
}

/** Deeper than any request that is meant well; parsers behind us recurse. */
const MOST_DEPTH = 128

/**
 * Reads a JSON object. Total over any bytes. Refuses what two parsers could read in two ways: bytes
 * that are not UTF-8, a byte order mark, the same key twice in one object (RFC 8259 section 4;
 * threats A11, I13), nesting past 128.
 */
export function readObject(body: Uint8Array): Result<Document, Unreadable> {
  if (!isUtf8(body)) return unreadable('invalid_json', 'the body is not UTF-8')
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  const value = parse(text)
  if (value === undefined) return unreadable('invalid_json', 'the body is not valid JSON')
  if (!isObject(value)) return unreadable('invalid_json', 'the body is not a JSON object')
  const scanned = scan(text)
  return scanned.ok ? ok({ text, value, members: scanned.value }) : scanned
}

/** The value, or undefined where the text is not JSON. */
export function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The text without some members, and with others put at its end. Everything else stays as it was. */
export function splice(
  document: Document,
  gone: ReadonlySet<string>,
  added: readonly string[],
): string {
  const kept: string[] = []
  for (const member of document.members) {
    if (!gone.has(member.key)) kept.push(document.text.slice(member.start, member.end))
  }
  return `{${[...kept, ...added].join(',')}}`
}

/**
 * A key as the most forgiving parser may see it: Go's `encoding/json` folds case by Unicode, so
 * that `Max_Tokens` and `max_toKenſ` are both `max_tokens` to it.
 */
export const fold = (key: string): string => key.normalize('NFKC').toUpperCase().toLowerCase()

/** The key that folds to a known one without being it, or null. */
export function folded(object: JsonObject, known: ReadonlySet<string>): string | null {
  for (const key of Object.keys(object)) {
    if (!known.has(key) && known.has(fold(key))) return key
  }
  return null
}

const unreadable = (code: Unreadable['code'], message: string) => err({ code, message })

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * Places of the outermost members of a text that is known to be a valid JSON object. Looks at every
 * object's keys on the way, so that none holds the same one twice.
 */
export function scan(text: string): Result<Member[], Unreadable> {
  const members: Member[] = []
  /** The keys of each open object, null for each open array. */
  const open: (Set<string> | null)[] = []
  let key: { name: string; start: number } | null = null
  let keyNext = false
  let last = 0
  const close = (): void => {
    if (key !== null) members.push({ key: key.name, start: key.start, end: last })
    key = null
  }
  for (let at = 0; at < text.length; at += 1) {
    const c = text.charCodeAt(at)
    if (c === QUOTE) {
      const end = stringEnd(text, at)
      const keys = open.at(-1)
      if (keyNext && keys) {
        const name = unquote(text.slice(at, end))
        if (keys.has(name))
          return unreadable('duplicate_key', `the key ${quoted(name)} stands twice`)
        keys.add(name)
        if (open.length === 1) key = { name, start: at }
      }
      keyNext = false
      at = end - 1
      last = end
    } else if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      open.push(c === OPEN_OBJECT ? new Set() : null)
      if (open.length > MOST_DEPTH)
        return unreadable('invalid_json', 'the body is nested too deeply')
      keyNext = c === OPEN_OBJECT
    } else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) {
      if (open.length === 1) close()
      open.pop()
      keyNext = false
      last = at + 1
    } else if (c === COMMA) {
      if (open.length === 1) close()
      keyNext = open.at(-1) !== null
    } else if (c > 0x20) {
      last = at + 1
    }
  }
  return ok(members)
}

/** Just behind the closing quote of the string that begins at `from`. */
function stringEnd(text: string, from: number): number {
  let at = text.indexOf('"', from + 1)
  while (at !== -1) {
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1
    if (slashes % 2 === 0) return at + 1
    at = text.indexOf('"', at + 1)
  }
  return text.length
}

const unquote = (raw: string): string =>
  raw.includes('\\') ? String(JSON.parse(raw)) : raw.slice(1, -1)

/** A stranger's key in a message: short, and with nothing that a terminal obeys. */
export const quoted = (key: string): string => JSON.stringify(key.slice(0, 64))

/** The places of the outermost members of an object's text, or null where it cannot be told. */
export function membersOf(text: string): readonly Member[] | null {
  const scanned = scan(text)
  return scanned.ok ? scanned.value : null
}
