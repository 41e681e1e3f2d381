import { parse, quoted } from './json.ts'

/** No honest request is nested more deeply. The parsers of backends recurse. */
export const MOST_DEPTH = 128
/** A request is read before anybody has paid, so reading ten megabytes must not take a second. */
export const MOST_CONTAINERS = 100_000
export const MOST_KEYS = 10_000
export const MOST_VALUES = 1_000_000
/**
 * The most characters of a number. No client writes more; some backends read and show every digit.
 */
export const MOST_DIGITS = 64

export interface Unreadable {
  readonly code: 'invalid_json' | 'duplicate_key'
  readonly message: string
}

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
 * Why a text is refused even if it is valid JSON, in the order in which it is read; null if it is
 * not. It looks at the keys of every object and refuses one that has the same key twice. Exact and
 * slow: `json-scan.ts` tells in most cases that there is nothing to refuse. Accepts any text.
 */
export function refusalOf(text: string): Unreadable | null {
  const scanner = new Scanner(text)
  for (let at = 0; at < text.length && scanner.refused === null; ) at = scanner.step(at)
  return scanner.refused
}

class Scanner {
  refused: Unreadable | null = null
  readonly #text: string
  /** For each open object its keys; for each open array null. */
  readonly #open: (Set<string> | null)[] = []
  /** A string that comes now is a key. */
  #keyNext = false
  #containers = 0
  #values = 0

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
    }
    this.#keyNext = false
    return end
  }

  #number(at: number): number {
    let end = at + 1
    while (isOfNumber(this.#text.charCodeAt(end))) end += 1
    if (end - at > MOST_DIGITS)
      this.#refuse('invalid_json', 'A number of the body has too many digits.')
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
    this.#open.pop()
    this.#keyNext = false
  }

  #comma(): void {
    this.#values += 1
    if (this.#values > MOST_VALUES) this.#refuse('invalid_json', 'The body has too many parts.')
    this.#keyNext = this.#open.at(-1) !== null
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
