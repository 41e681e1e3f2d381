import { isUtf8 } from 'node:buffer'
import { isObject, type JsonObject, parse } from '../kit/json.ts'
import { choicesOf, isFinished, saidBeside, saidBy } from './choices.ts'
import { reportOf } from './reported-usage.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SENTINEL = '\u0001sentinel'
/** Bytes of text that are copied one by one. */
const MOST_PLAIN = 1_024
const KEYS = ['content', 'text', 'reasoning_content', 'reasoning', 'thinking', 'arguments']

/**
 * Ordinary events of one stream differ in one string alone. Where the bytes before and behind that
 * string are those of an event that was parsed, the event needs no parsing: it is the same JSON
 * with another text. `test/unit/dialects/openai/meter.test.ts` holds both ways against each other.
 */
export class FastPath {
  readonly #before: Buffer
  readonly #behind: Buffer
  readonly #textSize: number
  /** The choice that its text belongs to. */
  readonly choice: number
  /** Each of its events says that the choice ends. */
  readonly finishes: boolean
  /** That choice had spoken by deltas when the event came. */
  readonly spoke: boolean
  /** Where the text of the last match began and ended. */
  from = 0
  to = 0
  #escapes = false
  #ascii = true
  #cut: { readonly behind: boolean; readonly at: number; readonly size: number } | null = null

  private constructor(
    event: { before: Buffer; behind: Buffer; size: number },
    choice: Pick<FastPath, 'choice' | 'finishes' | 'spoke'>,
  ) {
    this.#before = event.before
    this.#behind = event.behind
    this.#textSize = event.size
    this.choice = choice.choice
    this.finishes = choice.finishes
    this.spoke = choice.spoke
  }

  /** A template of an event with one text in one choice; null where it is not sure to be one. */
  static of(
    event: Buffer,
    chunk: JsonObject,
    { choice, spoke }: Pick<FastPath, 'choice' | 'spoke'>,
  ): FastPath | null {
    const [only] = choicesOf(chunk)
    if (only === undefined || reportOf(chunk, true) !== null || !saysOne(chunk, spoke)) return null
    for (const key of KEYS) {
      const at = valueStart(event, key)
      const end = at === -1 ? -1 : valueEnd(event, at)
      if (end === -1) continue
      const before = copy(event, 0, at)
      const behind = copy(event, end, event.length)
      if (!isSure(before, behind, spoke)) continue
      const finishes = isFinished(only)
      return new FastPath({ before, behind, size: end - at }, { choice, finishes, spoke })
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
    this.#escapes = false
    this.#ascii = true
    for (let at = from; at < bytes.length; at += 1) {
      const c = bytes[at] ?? 0
      if (c === QUOTE) return at
      if (c < 0x20) return -1
      if (c === BACKSLASH) {
        this.#escapes = true
        if (!isEscape(bytes[at + 1])) return -1
        at += 1
      }
      if (c >= 0x80) this.#ascii = false
    }
    return -1
  }

  /** The text of the last match is its bytes as they stand, and not so long that they are dear to copy. */
  isPlain(bytes: Buffer): boolean {
    const { from, to } = this
    if (this.#escapes || to - from >= MOST_PLAIN) return false
    return this.#ascii || isUtf8(bytes.subarray(from, to))
  }

  /** The text of the last match. */
  text(bytes: Buffer): string {
    const text = parse(`"${bytes.toString('utf8', this.from, this.to)}"`)
    return typeof text === 'string' ? text : ''
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

/** The one text of the one choice is all that a chunk says; `text` where it is asked for that. */
function saysOne(chunk: JsonObject, spoke: boolean, text?: string): boolean {
  const [only, ...more] = choicesOf(chunk)
  if (only === undefined || more.length > 0 || saidBeside(chunk)?.length !== 0) return false
  const said = saidBy(only, spoke)
  if (said === null || said.texts.length !== 1) return false
  if (said.others.length > 0 || said.again !== '') return false
  return text === undefined || said.texts[0] === text
}

/** The proof: another text put in its place is the one text of the one choice. */
function isSure(before: Buffer, behind: Buffer, spoke: boolean): boolean {
  const start = before.toString('utf8')
  const end = /^([^\r\n]*)(?:\n|\r\n)$/.exec(behind.toString('utf8'))?.[1]
  const space = /^data: ?(?=\{)[^\r\n]*$/.test(start) ? start.indexOf('{') : -1
  if (space === -1 || end === undefined) return false
  const chunk = parse(start.slice(space) + JSON.stringify(SENTINEL).slice(1, -1) + end)
  return isObject(chunk) && saysOne(chunk, spoke, SENTINEL)
}
