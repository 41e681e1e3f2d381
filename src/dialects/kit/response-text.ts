import { isObject, type Json, type JsonObject } from './json.ts'

/** What one choice carries, streamed or not. */
export interface Said {
  /** Texts of the answer. All of it was generated, so all of it is output (A7). */
  readonly texts: readonly string[]
  /** Strings under keys that nobody here knows: billed, but never a reason to cut (K3). */
  readonly others: readonly string[]
  /** The same answer told once more, whole so far, beside its deltas; mostly empty (K4). */
  readonly again: string
}

/** Keys of a delta or a message whose strings are the answer, however deep they stand (K9). */
const TEXT = new Set(['content', 'text', 'refusal', 'tool_calls', 'function_call', 'function'])
/** The same thinking under several names: equal strings are counted once. */
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
 * What stands beside a text and describes it, at a choice or a chunk. `logprobs` repeats every token
 * of the answer. A long string under one of these names is a text all the same.
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
/** Ids and types, wherever they stand, as long as they are short and few. */
const LABELS = new Set(['id', 'type', 'role', 'format'])
const LONGEST_LABEL = 128
/** Characters of labels in one choice of one chunk. A buyer may have chosen the names of keys. */
const MOST_LABELS = 4_096
/** Signed or encrypted thinking, sound and pictures: no client shows these. */
const SEALED = new Set(['signature', 'thought_signature', 'encrypted_content'])
const CIPHER = /^[A-Za-z0-9+/_.=:~-]+$/
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/
/** `data` may hold a word as well. */
const SHORTEST_DATA = 40
/** Deeper than any answer of a model. */
const MOST_DEPTH = 64

/**
 * Every string that a choice carries, ids and types excepted. Null where it is nested too deeply.
 *
 * @param spoke the choice has said something by deltas already: a message is then the whole so far
 */
export function saidBy(choice: JsonObject, spoke: boolean): Said | null {
  const strings = new Strings()
  const { delta, message, text, ...rest } = choice
  const deltas = delta !== undefined && delta !== null
  if (isObject(delta)) strings.part(delta)
  else strings.add('text', delta, true)
  const twins = [message, text].map((twin) => {
    const own = deltas || spoke ? new Strings() : strings
    if (isObject(twin)) own.part(twin)
    else own.add('text', twin, true)
    strings.tooDeep ||= own.tooDeep
    return own === strings ? '' : [...own.texts, ...own.others].join('')
  })
  for (const [key, value] of Object.entries(rest)) strings.beside(key, value)
  if (strings.tooDeep) return null
  const again = twins.reduce((longest, twin) => (twin.length > longest.length ? twin : longest))
  return { texts: strings.texts, others: strings.others, again }
}

/** Where other APIs have their text, beside the choices or in their place, in any case of letters. */
const ELSEWHERE = new Set([
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

/**
 * Strings of a chunk that belong to no choice. What stands beside choices without being a text, such
 * as the sources of a search, is none. Null where it is nested too deeply.
 */
export function saidBeside(chunk: JsonObject): readonly string[] | null {
  const strings = new Strings()
  const apart = choicesOf(chunk).length === 0
  for (const [key, value] of Object.entries(chunk)) {
    if (key !== 'choices') {
      if (apart || ELSEWHERE.has(key.toLowerCase())) strings.beside(key, value)
    } else if (Array.isArray(value)) {
      for (const odd of value) if (!isObject(odd)) strings.add(key, odd, false)
    } else if (apart) strings.add(key, value, false)
  }
  return strings.tooDeep ? null : strings.others
}

/** Collects strings, by the keys that they stand under. */
class Strings {
  readonly texts: string[] = []
  readonly others: string[] = []
  tooDeep = false
  readonly #thoughts = new Set<string>()
  #labels = 0

  /** A delta or a message. */
  part(part: JsonObject): void {
    for (const [key, value] of Object.entries(part)) {
      if (THINKING.has(key)) this.#think(key, value)
      else this.add(key, value, TEXT.has(key))
    }
  }

  /** What stands beside a delta, or beside the choices. */
  beside(key: string, value: Json | undefined): void {
    const short = typeof value !== 'string' || value.length <= LONGEST_LABEL
    if (!short || !DESCRIBES.has(key)) this.add(key, value, false)
  }

  /** @param known it is a text of the answer */
  add(key: string, value: Json | undefined, known: boolean, depth = 0): void {
    if (typeof value === 'string') {
      if (value !== '' && !this.#isLabel(key, value) && !isSealed(key, value))
        (known ? this.texts : this.others).push(value)
    } else if (typeof value === 'number') {
      // A client that joins texts shows a number as well.
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
      for (const [name, item] of Object.entries(value)) {
        this.add(name, item, known, depth)
      }
    }
  }

  #think(key: string, value: Json): void {
    const own = new Strings()
    own.add(key, value, true)
    this.tooDeep ||= own.tooDeep
    for (const text of own.texts) {
      if (!this.#thoughts.has(text)) this.texts.push(text)
    }
    for (const text of own.texts) this.#thoughts.add(text)
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

/** The choices of a chunk or an answer, which a few backends send as an object. */
export function choicesOf({ choices }: JsonObject): JsonObject[] {
  if (Array.isArray(choices)) return choices.filter(isObject)
  if (!isObject(choices)) return []
  const single = ['delta', 'message', 'text'].some((key) => key in choices)
  return single ? [choices] : Object.values(choices).filter(isObject)
}

/** More choices than any request may ask for. */
const MOST_CHOICES = 1_024

/** `index`, or the place in the list where it is left out or impossible. */
export const indexOf = ({ index }: JsonObject, place: number): number =>
  typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < MOST_CHOICES
    ? index
    : place

/** Words that backends put into `finish_reason` while a choice goes on (K1). */
const UNFINISHED = ['', 'null', 'none', 'nil', 'undefined', 'unspecified', 'in_progress']

/** A choice that names a reason for its end. */
export const isFinished = ({ finish_reason: reason }: JsonObject): boolean =>
  typeof reason === 'string' && !UNFINISHED.includes(reason.trim().toLowerCase())

/** A choice that says nothing: LiteLLM sends one with the usage that was asked for. */
export function saysNothing(choice: JsonObject): boolean {
  if (isFinished(choice) || choice.text || choice.message) return false
  return !isObject(choice.delta) || Object.values(choice.delta).every((value) => value === null)
}
