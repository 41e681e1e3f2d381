import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { choicesOf, isFinished } from './choices.ts'

/** The members that a shortened answer keeps. Others may contain what was taken out. */
const ANSWER = ['id', 'object', 'created', 'model', 'system_fingerprint', 'service_tier'] as const
/** The texts of a message, in the order in which a model makes them. Thinking has several names. */
const THINKING = ['reasoning', 'reasoning_content', 'thinking'] as const
const TEXTS = [...THINKING, 'content', 'refusal'] as const
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

/**
 * A whole answer, or one event, without what was not granted: a backend that ignores its limit made
 * more than was paid for (threats J8). Each choice ends where its tokens end, with the
 * finish_reason `length`, as if the backend had obeyed. A tool call is shown whole or not at all:
 * half of one is no JSON.
 */
export function shorten(answer: JsonObject, share: Share): JsonObject {
  const short: JsonObject = {}
  for (const key of ANSWER) if (answer[key] !== undefined) short[key] = answer[key]
  short.choices = choicesOf(answer).map((choice) => shortChoice(choice, share))
  if (isObject(answer.usage)) short.usage = shortUsage(answer.usage, share.output)
  return short
}

function shortChoice(choice: JsonObject, share: Share): JsonObject {
  const left = new Left(share)
  const { index, text, message, delta } = choice
  const short: JsonObject = index === undefined ? {} : { index }
  if (typeof text === 'string') short.text = left.text(text)
  if (isObject(delta)) short.delta = shortMessage(delta, left)
  else if (isObject(message)) short.message = shortMessage(message, left)
  if (!left.cut) return { ...choice }
  // In a stream, the end of a choice gets an event of its own, unless the choice has ended here.
  const ends = delta === undefined || isFinished(choice)
  return { ...short, logprobs: null, finish_reason: ends ? 'length' : null }
}

function shortMessage(message: JsonObject, left: Left): JsonObject {
  const short: JsonObject = message.role === undefined ? {} : { role: message.role }
  for (const key of TEXTS) {
    const value = message[key]
    if (value === undefined) continue
    // The same thinking under another name counts once.
    const twin = THINKING.find((name) => name !== key && name in short && message[name] === value)
    short[key] = twin === undefined ? left.value(value, key) : (short[twin] ?? null)
  }
  const { tool_calls: calls, function_call: call } = message
  if (isObject(call) && left.takes(callText(call))) short.function_call = call
  if (!Array.isArray(calls)) return short
  const whole = calls.filter((one) => isObject(one) && left.takes(callText(one)))
  return whole.length === 0 ? short : { ...short, tool_calls: whole }
}

const callText = ({ id: _, type: __, index: ___, ...said }: JsonObject): string =>
  JSON.stringify(said)

/** The usage of what is shown. The details are left out, because they are about what was made. */
function shortUsage({ prompt_tokens, completion_tokens }: JsonObject, most: number): JsonObject {
  const made = typeof completion_tokens === 'number' ? Math.min(completion_tokens, most) : most
  if (typeof prompt_tokens !== 'number') return { completion_tokens: made }
  return { prompt_tokens, completion_tokens: made, total_tokens: prompt_tokens + made }
}

/** The tokens of one choice that are left to show. */
class Left {
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
