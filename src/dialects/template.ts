import { isObject, type JsonObject, parse } from './json.ts'
import { choicesOf, isFinished, textsOf } from './output.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SENTINEL = '\u0001sentinel'
const KEYS = ['content', 'text', 'reasoning_content', 'reasoning', 'thinking']

/**
 * Ordinary events of one stream differ in one string alone. Where the bytes before and behind that
 * string are those of an event that was parsed, the event needs no parsing: it is the same JSON
 * with another text. `test/unit/dialects/meter.test.ts` holds both ways against each other.
 */
export class Template {
  readonly #before: Buffer
  readonly #behind: Buffer
  readonly #textSize: number
  /** The choice that its text belongs to. */
  readonly choice: number
  /** Each of its events says that the choice ends. */
  readonly finishes: boolean
  /** Where the text of the last match began and ended, and whether it holds no escape. */
  from = 0
  to = 0
  plain = true
  #cut: { readonly behind: boolean; readonly at: number; readonly size: number } | null = null

  private constructor(
    event: { before: Buffer; behind: Buffer; size: number },
    choice: { index: number; finishes: boolean },
  ) {
    this.#before = event.before
    this.#behind = event.behind
    this.#textSize = event.size
    this.choice = choice.index
    this.finishes = choice.finishes
  }

  /** A template of an event with one text in one choice; null where it is not sure to be one. */
  static of(event: Buffer, chunk: JsonObject, choice: number): Template | null {
    const [only, ...others] = choicesOf(chunk)
    if (only === undefined || others.length > 0) return null
    if (chunk.error || isObject(chunk.usage) || isObject(chunk.timings)) return null
    if (textsOf(only).length !== 1) return null
    for (const key of KEYS) {
      const at = valueStart(event, key)
      const end = at === -1 ? -1 : valueEnd(event, at)
      if (end === -1) continue
      const before = copy(event, 0, at)
      const behind = copy(event, end, event.length)
      if (!isSure(before, behind)) continue
      const finishes = isFinished(only)
      return new Template({ before, behind, size: end - at }, { index: choice, finishes })
    }
    return null
  }

  /** Bytes of the event it was made of that are cut out of each. */
  cut(from: number, to: number): void {
    const text = this.#before.length
    const behind = from >= text
    const at = behind ? from - (text + this.#textSize) : from
    this.#cut = { behind, at, size: to - from }
  }

  /** Where to cut the last match, which began at `start`. */
  cutOf(start: number): { from: number; to: number } | null {
    if (this.#cut === null) return null
    const from = (this.#cut.behind ? this.to : start) + this.#cut.at
    return { from, to: from + this.#cut.size }
  }

  /** The end of the event that begins at `start`, or -1 where it is not of this kind. */
  match(bytes: Buffer, start: number): number {
    const before = this.#before
    const behind = this.#behind
    const from = start + before.length
    if (from + behind.length > bytes.length) return -1
    if (before.compare(bytes, start, from) !== 0) return -1
    const to = this.#textEnd(bytes, from)
    const end = to + behind.length
    if (to <= from || end > bytes.length) return -1
    if (behind.compare(bytes, to, end) !== 0) return -1
    this.from = from
    this.to = to
    return end
  }

  /** Where the JSON string that is open at `from` closes, -1 where it is not valid. */
  #textEnd(bytes: Buffer, from: number): number {
    this.plain = true
    for (let at = from; at < bytes.length; at += 1) {
      const c = bytes[at] ?? 0
      if (c === QUOTE) return at
      if (c < 0x20) return -1
      if (c === BACKSLASH) {
        this.plain = false
        if (!isEscape(bytes[at + 1])) return -1
        at += 1
      }
    }
    return -1
  }
}

/** A copy that keeps nothing else alive: small buffers share a larger one. */
function copy(bytes: Buffer, from: number, to: number): Buffer {
  const own = Buffer.allocUnsafeSlow(to - from)
  bytes.copy(own, 0, from, to)
  return own
}

/** Escapes of one character. `\u` is left to the parser. */
function isEscape(c: number | undefined): boolean {
  switch (c) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return true
    default:
      return false
  }
}

/** Where the text of the first `"key":"…"` begins, or -1. */
function valueStart(event: Buffer, key: string): number {
  for (const name of [`"${key}":"`, `"${key}": "`]) {
    const at = event.indexOf(name)
    if (at !== -1) return at + name.length
  }
  return -1
}

function valueEnd(event: Buffer, from: number): number {
  for (let at = from; at < event.length; at += 1) {
    if (event[at] === QUOTE) return at
    if (event[at] === BACKSLASH) at += 1
  }
  return -1
}

/** The proof: another text put in its place is the one text of the one choice. */
function isSure(before: Buffer, behind: Buffer): boolean {
  const start = before.toString('utf8')
  const end = /^([^\r\n]*)(\n\n|\r\n\r\n)$/.exec(behind.toString('utf8'))?.[1]
  const space = /^data: ?(?=\{)[^\r\n]*$/.test(start) ? start.indexOf('{') : -1
  if (space === -1 || end === undefined) return false
  const chunk = parse(start.slice(space) + JSON.stringify(SENTINEL).slice(1, -1) + end)
  const [only] = isObject(chunk) ? choicesOf(chunk) : []
  const texts = only === undefined ? [] : textsOf(only)
  return texts.length === 1 && texts[0] === SENTINEL
}
