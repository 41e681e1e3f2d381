import { isUtf8 } from 'node:buffer'
import { type Err, err, ok, type Result } from '../../floor/result.ts'

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

/** No honest request is nested more deeply. The parsers of backends recurse. */
const MOST_DEPTH = 128
/** A request is read before anybody has paid, so reading ten megabytes must not take a second. */
const MOST_CONTAINERS = 100_000
const MOST_KEYS = 10_000
const MOST_VALUES = 1_000_000
/**
 * The most characters of a number. No client writes more; some backends read and show every digit.
 */
const MOST_DIGITS = 64

/**
 * Reads a JSON object. It accepts any bytes. It refuses what two parsers could read in two ways:
 * bytes that are not UTF-8, a byte order mark, the same key twice in one object (RFC 8259 section
 * 4; threats A11, I13), nesting past 128.
 */
export function readObject(body: Uint8Array): Result<Document, Unreadable> {
  if (!isUtf8(body)) return invalid('The body is not UTF-8.')
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  // The scan comes first because it bounds the parser: a million brackets take memory and time.
  const scanned = scan(text)
  if (!scanned.ok) return scanned
  const value = parse(text)
  if (value === undefined) return invalid('The body is not valid JSON.')
  if (!isObject(value)) return invalid('The body is not a JSON object: send {…}.')
  return ok({ text, value, members: scanned.value })
}

/** The value, or undefined if the text is not JSON. */
export function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The text without some members, and with others put at its end. Everything else stays as it was.
 */
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
export const fold = (key: string): string =>
  key.length > MOST_FOLDED ? key : key.normalize('NFKC').toUpperCase().toLowerCase()

/**
 * Longer keys are not normalised, because that can take time in the square of their length (J1). No
 * known name is that long in UTF-16, and folding never turns a longer key into one.
 */
const MOST_FOLDED = 128

/** The first key that is not known itself but folds to a known one, or null. */
export function folded(object: JsonObject, known: ReadonlySet<string>): string | null {
  for (const key of Object.keys(object)) {
    if (!known.has(key) && known.has(fold(key))) return key
  }
  return null
}

const invalid = (message: string): Err<Unreadable> => err({ code: 'invalid_json', message })

const QUOTE = 0x22
const ZERO = 0x30
const NINE = 0x39
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * The places of the outermost members of a text. They mean something only if the text is a valid
 * JSON object. It looks at the keys of every object on the way and refuses one that has the same
 * key twice. It accepts any text.
 */
function scan(text: string): Result<Member[], Unreadable> {
  const scanner = new Scanner(text)
  for (let at = 0; at < text.length && scanner.refused === null; ) at = scanner.step(at)
  return scanner.refused === null ? ok(scanner.members) : err(scanner.refused)
}

class Scanner {
  readonly members: Member[] = []
  refused: Unreadable | null = null
  readonly #text: string
  /** For each open object its keys; for each open array null. */
  readonly #open: (Set<string> | null)[] = []
  /** The outermost key whose value is being read. */
  #key: { readonly name: string; readonly start: number } | null = null
  /** A string that comes now is a key. */
  #keyNext = false
  #containers = 0
  #values = 0
  /** The place just after the last character that was not white space. */
  #last = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Reads what stands at `at`, and returns where to go on. */
  step(at: number): number {
    const c = this.#text.charCodeAt(at)
    if (c === QUOTE) return this.#string(at)
    if (c >= ZERO && c <= NINE) return this.#number(at)
    if (c === OPEN_OBJECT) this.#enter(new Set())
    else if (c === OPEN_ARRAY) this.#enter(null)
    else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) this.#leave()
    else if (c === COMMA) this.#comma()
    if (c > 0x20 && c !== COMMA) this.#last = at + 1
    return at + 1
  }

  #string(at: number): number {
    const end = stringEnd(this.#text, at)
    const keys = this.#open.at(-1)
    if (this.#keyNext && keys) {
      const name = unquote(this.#text.slice(at, end))
      if (keys.has(name))
        this.#refuse(
          'duplicate_key',
          `The key ${quoted(name)} stands twice in one object. Send it once.`,
        )
      if (keys.size === MOST_KEYS)
        this.#refuse('invalid_json', 'An object of the body has too many keys.')
      keys.add(name)
      if (this.#open.length === 1) this.#key = { name, start: at }
    }
    this.#keyNext = false
    this.#last = end
    return end
  }

  #number(at: number): number {
    let end = at + 1
    while (isOfNumber(this.#text.charCodeAt(end))) end += 1
    if (end - at > MOST_DIGITS)
      this.#refuse('invalid_json', 'A number of the body has too many digits.')
    this.#last = end
    return end
  }

  #enter(keys: Set<string> | null): void {
    this.#open.push(keys)
    this.#keyNext = keys !== null
    this.#containers += 1
    if (this.#open.length > MOST_DEPTH)
      this.#refuse('invalid_json', 'The body is nested too deeply.')
    if (this.#containers > MOST_CONTAINERS)
      this.#refuse('invalid_json', 'The body has too many parts.')
  }

  #leave(): void {
    if (this.#open.length === 1) this.#member()
    this.#open.pop()
    this.#keyNext = false
  }

  #comma(): void {
    this.#values += 1
    if (this.#values > MOST_VALUES) this.#refuse('invalid_json', 'The body has too many parts.')
    if (this.#open.length === 1) this.#member()
    this.#keyNext = this.#open.at(-1) !== null
  }

  #member(): void {
    if (this.#key === null) return
    this.members.push({ key: this.#key.name, start: this.#key.start, end: this.#last })
    this.#key = null
  }

  #refuse(code: Unreadable['code'], message: string): void {
    this.refused ??= { code, message }
  }
}

/** A digit, or `.`, `e`, `E`, `+`, `-`. */
const isOfNumber = (c: number): boolean =>
  (c >= ZERO && c <= NINE) || c === 0x2e || c === 0x65 || c === 0x45 || c === 0x2b || c === 0x2d

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

/**
 * A key without its escapes. If it is no JSON string it stays as it is: the text is not parsed yet.
 */
const unquote = (raw: string): string =>
  raw.includes('\\') ? String(parse(raw) ?? raw) : raw.slice(1, -1)

/** A stranger's key for a message: cut short, with control characters escaped. */
export const quoted = (key: string): string => JSON.stringify(key.slice(0, 64))

/** The places of the outermost members of an object's text, or null if they cannot be found. */
export function membersOf(text: string): readonly Member[] | null {
  const scanned = scan(text)
  return scanned.ok ? scanned.value : null
}
