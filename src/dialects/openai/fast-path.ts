import { isUtf8 } from 'node:buffer'
import { isObject, type JsonObject, parse } from '../kit/json.ts'
import { choicesOf, isFinished, saidBeside, saidBy } from './choices.ts'
import { reportOf } from './reported-usage.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SENTINEL = '\u0001sentinel'
/** A text of fewer bytes is copied byte by byte, which is the fastest way for short ones. */
const MOST_PLAIN = 1_024
const KEYS = ['content', 'text', 'reasoning_content', 'reasoning', 'thinking', 'arguments']

/**
 * Recognises ordinary events without parsing them. Most events of a stream differ only in one
 * string. If the bytes before and after that string are the same as in an event that was parsed,
 * the event is the same JSON with another text. `test/unit/dialects/openai/meter.test.ts` compares
 * both ways.
 */
export class FastPath {
  readonly #before: Buffer
  readonly #behind: Buffer
  readonly #textSize: number
  /** The choice to which the text belongs. */
  readonly choice: number
  /** Each of these events ends the choice. */
  readonly finishes: boolean
  /** The choice had sent deltas before the event that was parsed. */
  readonly spoke: boolean
  /** The beginning and the end of the text of the last match. */
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

  /**
   * Learns from a parsed event with one text in one choice. Null if it is not certain to be that.
   */
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

  /** These bytes of the parsed event are left out of each event that matches. */
  cut(from: number, to: number): void {
    const text = this.#before.length
    const behind = from >= text
    const at = behind ? from - (text + this.#textSize) : from
    this.#cut = { behind, at, size: to - from }
  }

  /** The bytes to leave out of the last match, which began at `start`. */
  cutOf(start: number): { from: number; to: number } | null {
    if (this.#cut === null) return null
    const from = (this.#cut.behind ? this.to : start) + this.#cut.at
    return { from, to: from + this.#cut.size }
  }

  /** The end of the event that begins at `start`. -1 if it is not of this kind. */
  match(bytes: Buffer, start: number): number {
    const before = this.#before
    const behind = this.#behind
    const from = start + before.length
    if (from + behind.length > bytes.length) return -1
    if (before.compare(bytes, start, from) !== 0) return -1
    const to = this.#textEnd(bytes, from)
    const end = to + behind.length
    if (to <= from || end > bytes.length) return -1
    for (let at = 0; at < behind.length; at += 1) if (behind[at] !== bytes[to + at]) return -1
    this.from = from
    this.to = to
    return end
  }

  /** The closing quote of the JSON string that is open at `from`. -1 if the string is not valid. */
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

  /**
   * The text of the last match is its bytes as they are, and few enough to be copied one by one.
   */
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

/**
 * A copy with memory of its own. Small buffers of Node share a larger one and would keep it alive.
 */
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

/** The beginning of the text of the first `"key":"…"`, or -1. */
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

/** The chunk says nothing but one text in one choice. If `text` is given, it is that text. */
function saysOne(chunk: JsonObject, spoke: boolean, text?: string): boolean {
  const [only, ...more] = choicesOf(chunk)
  if (only === undefined || more.length > 0 || saidBeside(chunk)?.length !== 0) return false
  const said = saidBy(only, spoke)
  if (said === null || said.texts.length !== 1) return false
  if (said.others.length > 0 || said.again !== '') return false
  return text === undefined || said.texts[0] === text
}

/** The proof: if another text is put in its place, that is the one text of the one choice. */
function isSure(before: Buffer, behind: Buffer, spoke: boolean): boolean {
  const start = before.toString('utf8')
  const end = /^([^\r\n]*)(?:\n|\r\n)$/.exec(behind.toString('utf8'))?.[1]
  const space = /^data: ?(?=\{)[^\r\n]*$/.test(start) ? start.indexOf('{') : -1
  if (space === -1 || end === undefined) return false
  const chunk = parse(start.slice(space) + JSON.stringify(SENTINEL).slice(1, -1) + end)
  return isObject(chunk) && saysOne(chunk, spoke, SENTINEL)
}
