import type { Json, JsonObject } from './json.ts'

/** Keys of a delta or a message whose strings are the answer, however deep they stand (K9). */
const TEXT = new Set(['content', 'text', 'refusal', 'tool_calls', 'function_call', 'function'])
/** Backends send the same thinking under several of these names, so equal strings count once. */
const THINKING = new Set([
  'reasoning',
  'reasoning_content',
  'reasoning_text',
  'reasoning_details',
  'thinking',
  'thought',
  'thoughts',
])
/**
 * Names of members that describe a text instead of being one. `logprobs` repeats every token of the
 * answer. A long string under one of these names counts as text nevertheless.
 */
const DESCRIBES = new Set([
  'id',
  'object',
  'model',
  'finish_reason',
  'native_finish_reason',
  'stop_reason',
  'matched_stop',
  'logprobs',
  'prompt_logprobs',
  'content_filter_results',
  'prompt_filter_results',
  'safety_ratings',
  'system_fingerprint',
  'service_tier',
  'provider',
  'obfuscation',
  'usage',
  'timings',
  'x_groq',
])
/** Ids and types are not counted, wherever they stand, as long as they are short and few. */
const LABELS = new Set(['id', 'type', 'role', 'format'])
const LONGEST_LABEL = 128
/** Characters of labels in one choice of one chunk. A model may put an answer into its keys. */
const MOST_LABELS = 4_096
/** Signed or encrypted thinking, sound and pictures. No client shows them as text. */
const SEALED = new Set(['signature', 'thought_signature', 'encrypted_content'])
const CIPHER = /^[A-Za-z0-9+/_.=:~-]+$/
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/
/** A shorter `data` may be a word. */
const SHORTEST_DATA = 40
/** No answer of a model is nested more deeply. */
const MOST_DEPTH = 64

/**
 * Names under which other APIs have their text, beside the choices or instead of them, in lower
 * case.
 */
export const ELSEWHERE: ReadonlySet<string> = new Set([
  ...TEXT,
  ...THINKING,
  'choices',
  'delta',
  'message',
  'response',
  'output',
  'output_text',
  'answer',
  'completion',
  'generated_text',
  'token',
])

/** The strings in one choice, streamed or not. */
export interface Said {
  /** The texts of the answer. All of them were generated, so all are output (A7). */
  readonly texts: readonly string[]
  /**
   * Strings under unknown keys. They are charged, but a stream is never cut because of them (K3).
   */
  readonly others: readonly string[]
  /** The whole answer so far, if the backend repeats it beside its deltas (K4). Mostly empty. */
  readonly again: string
}

/**
 * Collects the strings of a part of an answer by the keys that they stand under: texts, which are
 * output, and strings under keys that nobody knows. Ids, types and what is sealed are left out.
 */
export class ResponseText {
  readonly texts: string[] = []
  readonly others: string[] = []
  /** Something is nested more deeply than any answer of a model. */
  tooDeep = false
  /** Thinking so far. Null until some comes. */
  #thoughts: Set<string> | null = null
  #labels = 0

  /** A delta or a message. */
  part(part: JsonObject): void {
    for (const key in part) {
      const value = part[key] as Json
      if (THINKING.has(key)) this.#think(key, value)
      else this.add(key, value, TEXT.has(key))
    }
  }

  /** A member that stands beside a delta, or beside the choices. */
  beside(key: string, value: Json | undefined): void {
    const short = typeof value !== 'string' || value.length <= LONGEST_LABEL
    if (!short || !DESCRIBES.has(key)) this.add(key, value, false)
  }

  /** @param known the key is one of those whose strings are the answer */
  add(key: string, value: Json | undefined, known: boolean, depth = 0): void {
    if (typeof value === 'string') {
      if (value !== '' && !this.#isLabel(key, value) && !isSealed(key, value))
        (known ? this.texts : this.others).push(value)
    } else if (typeof value === 'number') {
      // Clients that join the texts show a number too.
      if (known && (key === 'content' || key === 'text')) this.texts.push(String(value))
    } else if (typeof value === 'object' && value !== null)
      this.#inside(key, value, known, depth + 1)
  }

  #isLabel(key: string, value: string): boolean {
    if (!LABELS.has(key) && !key.endsWith('_id')) return false
    if (value.length > LONGEST_LABEL) return false
    this.#labels += value.length
    return this.#labels <= MOST_LABELS
  }

  #inside(key: string, value: Json[] | JsonObject, known: boolean, depth: number): void {
    if (depth > MOST_DEPTH) {
      this.tooDeep = true
    } else if (Array.isArray(value)) {
      for (const item of value) this.add(key, item, known, depth)
    } else if (known && (key === 'arguments' || key === 'input')) {
      if (isDeeper(value, MOST_DEPTH - depth)) this.tooDeep = true
      else this.texts.push(JSON.stringify(value))
    } else {
      for (const name in value) this.add(name, value[name], known, depth)
    }
  }

  #think(key: string, value: Json): void {
    const own = new ResponseText()
    own.add(key, value, true)
    this.tooDeep ||= own.tooDeep
    if (own.texts.length === 0) return
    this.#thoughts ??= new Set()
    const known = this.#thoughts
    for (const text of own.texts) if (!known.has(text)) this.texts.push(text)
    for (const text of own.texts) known.add(text)
  }
}

function isSealed(key: string, value: string): boolean {
  if (SEALED.has(key)) return CIPHER.test(value)
  return key === 'data' && value.length >= SHORTEST_DATA && BASE64.test(value)
}

function isDeeper(value: Json, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth <= 0 || Object.values(value).some((item) => isDeeper(item, depth - 1))
}
