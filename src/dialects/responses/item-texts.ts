import { isObject, type Json, type JsonObject } from '../kit/json.ts'

/** A text, and where in its item it stands: `content.0.text`, `arguments`. */
export interface Placed {
  readonly place: string
  readonly text: string
}

/** Names and states, not counted as long as they are short. Ids may be long: some hold a route. */
const LABELS = new Set(['type', 'role', 'status', 'phase', 'namespace', 'object', 'execution'])
const LONGEST_LABEL = 128
const LONGEST_ID = 2_048
const ID = /^[\w.:=+/-]+$/
/** Encrypted thinking. No client shows it as text. */
const SEALED = new Set(['encrypted_content', 'signature'])
const CIPHER = /^[A-Za-z0-9+/_.=:~-]+$/
/** The probabilities repeat every token of the answer, and obfuscation is random. */
const REPEATS = new Set(['logprobs', 'top_logprobs', 'obfuscation'])
/** Members that a model writes as one JSON value, with its keys. */
const WRITTEN = new Set(['arguments', 'input', 'action', 'operation'])
/** No answer of a model is nested more deeply. */
const MOST_DEPTH = 64

/** Collects the strings of an item of an answer, of a part of it, or of what stands beside them. */
export class ItemTexts {
  readonly texts: Placed[] = []
  /** Something is nested more deeply than any answer of a model. */
  tooDeep = false

  /**
   * @param key the name that the value stands under
   * @param place where that is, from the item on; empty for the item itself
   */
  read(key: string, value: Json | undefined, place: string, depth = 0): void {
    if (typeof value === 'string') {
      if (value !== '' && !isLabel(key, value)) this.texts.push({ place, text: value })
      return
    }
    if (typeof value !== 'object' || value === null || REPEATS.has(key)) return
    if (depth > MOST_DEPTH) this.tooDeep = true
    else if (WRITTEN.has(key)) this.#write(value, place, depth)
    else this.#inside(value, place, depth)
  }

  #inside(value: Json[] | JsonObject, place: string, depth: number): void {
    const entries: Iterable<[string | number, Json]> = Array.isArray(value)
      ? value.entries()
      : Object.entries(value)
    for (const [name, inner] of entries) {
      this.read(String(name), inner, place === '' ? String(name) : `${place}.${name}`, depth + 1)
    }
  }

  #write(value: Json[] | JsonObject, place: string, depth: number): void {
    if (isDeeper(value, MOST_DEPTH - depth)) this.tooDeep = true
    else this.texts.push({ place, text: JSON.stringify(value) })
  }
}

function isLabel(key: string, value: string): boolean {
  if (REPEATS.has(key)) return true
  if (SEALED.has(key)) return CIPHER.test(value)
  if (key === 'id' || key.endsWith('_id')) return value.length <= LONGEST_ID && ID.test(value)
  return LABELS.has(key) && value.length <= LONGEST_LABEL
}

function isDeeper(value: Json, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth <= 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1))
}

/** The member that a kind of event is about: `response.output_text.delta` has the `text` of a part. */
const MEMBER: Readonly<Record<string, (event: JsonObject) => string>> = {
  output_text: (event) => `content.${indexIn(event.content_index)}.text`,
  refusal: (event) => `content.${indexIn(event.content_index)}.refusal`,
  reasoning_text: (event) => `content.${indexIn(event.content_index)}.text`,
  reasoning: (event) => `content.${indexIn(event.content_index)}.text`,
  reasoning_summary_text: (event) => `summary.${indexIn(event.summary_index)}.text`,
  reasoning_summary_part: (event) => `summary.${indexIn(event.summary_index)}`,
  reasoning_part: (event) => `content.${indexIn(event.content_index)}`,
  content_part: (event) => `content.${indexIn(event.content_index)}`,
  function_call_arguments: () => 'arguments',
  mcp_call_arguments: () => 'arguments',
  custom_tool_call_input: () => 'input',
  code_interpreter_call_code: () => 'code',
  apply_patch_call_operation_diff: () => 'operation.diff',
}

const indexIn = (index: Json | undefined): number =>
  typeof index === 'number' && Number.isInteger(index) && index >= 0 ? index : 0

/** Where in its item the text of an event stands. An unknown kind has a place of its own. */
export function placeOf(type: string, event: JsonObject): string {
  const [, kind = ''] = /^response\.(\w+)\.\w+$/.exec(type) ?? []
  return Object.hasOwn(MEMBER, kind) ? (MEMBER[kind]?.(event) ?? kind) : kind
}

/** An item in which these texts stand at their places. */
export function withTexts(item: JsonObject, texts: ReadonlyMap<string, string>): JsonObject {
  const filled: JsonObject = { ...item }
  for (const [place, text] of texts) {
    const [key = '', at, member] = place.split('.')
    if (at === undefined) filled[key] = text
    else if (member !== undefined && (key === 'content' || key === 'summary')) {
      const list = Array.isArray(filled[key]) ? [...filled[key]] : []
      const index = Math.min(Number(at), list.length)
      const part = list[index]
      list[index] = { ...(isObject(part) ? part : emptyPart(item, key, member)), [member]: text }
      filled[key] = list
    }
  }
  return filled
}

function emptyPart({ type }: JsonObject, key: string, member: string): JsonObject {
  if (key === 'summary') return { type: 'summary_text' }
  if (member === 'refusal') return { type: 'refusal' }
  if (type === 'reasoning') return { type: 'reasoning_text' }
  return { type: 'output_text', annotations: [], logprobs: [] }
}
