import { isObject, type Json, type JsonObject } from './json.ts'

/** Members of a part of a content that say what it is. */
const LABELS = new Set(['type', 'id', 'index', 'role'])
/** Characters that are counted at once. A tokenizer is slow on long runs. */
const PIECE = 1_000

/** How much of an answer may be shown. */
export interface Share {
  /** The share of each choice, in the unit of `count`. */
  readonly tokens: number
  /** The most `usage.completion_tokens` of the shortened answer. */
  readonly output: number
  count(text: string): number
}

/** The tokens of one choice of an answer that are left to show (threats J8). */
export class TextLeft {
  readonly #share: Share
  #tokens: number
  /** Something was taken out. */
  cut = false

  constructor(share: Share) {
    this.#share = share
    this.#tokens = share.tokens
  }

  /** The beginning of a text, as much as fits. */
  text(text: string): string {
    const short = this.#begin(text)
    if (short.length < text.length) this.cut = true
    return short
  }

  /** The same for every text in a value, except the labels of its parts. */
  value(value: Json, key: string): Json {
    if (typeof value === 'string') return LABELS.has(key) ? value : this.text(value)
    if (Array.isArray(value)) return value.map((one) => this.value(one, key))
    if (!isObject(value)) return value
    const short: JsonObject = {}
    for (const [name, inner] of Object.entries(value)) short[name] = this.value(inner, name)
    return short
  }

  /** Takes a text whole or not at all. After one that did not fit, nothing is taken. */
  takes(text: string): boolean {
    if (!this.cut && this.#begin(text).length === text.length) return true
    this.cut = true
    this.#tokens = 0
    return false
  }

  #begin(text: string): string {
    let from = 0
    while (from < text.length) {
      const piece = text.slice(from, edge(text, from + PIECE))
      const tokens = this.#share.count(piece)
      if (tokens > this.#tokens) {
        const fits = this.#fitting(piece)
        this.#tokens = 0
        return text.slice(0, from + fits)
      }
      this.#tokens -= tokens
      from += piece.length
    }
    return text
  }

  /** How many characters of a piece fit, if the piece has too many tokens. */
  #fitting(piece: string): number {
    let fits = 0
    let not = piece.length
    while (not - fits > 1) {
      const middle = Math.floor((fits + not) / 2)
      if (this.#share.count(piece.slice(0, middle)) <= this.#tokens) fits = middle
      else not = middle
    }
    return edge(piece, fits)
  }
}

/** A place at which no pair of surrogates is cut in two. */
function edge(text: string, at: number): number {
  const code = text.charCodeAt(at - 1)
  return at < text.length && code >= 0xd800 && code <= 0xdbff ? at - 1 : at
}
