import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import type { ResponseUsage } from '../kit/response-usage.ts'
import { ItemTexts, placeOf } from './item-texts.ts'
import type { OutputItem, OutputSoFar } from './output-so-far.ts'

/**
 * Members of an event, or of a response, that are no text of the model. A response repeats a part of the
 * request.
 */
const DESCRIBES: ReadonlySet<string> = new Set([
  ...['type', 'sequence_number', 'item_id', 'output_index', 'content_index', 'summary_index'],
  ...['logprobs', 'obfuscation', 'object', 'id', 'status', 'model', 'created_at', 'completed_at'],
  ...['error', 'incomplete_details', 'instructions', 'metadata', 'tools', 'tool_choice', 'text'],
  ...['reasoning', 'truncation', 'user', 'usage', 'timings', 'service_tier', 'prompt'],
  ...['previous_response_id', 'conversation', 'prompt_cache_key', 'prompt_cache_retention'],
  ...['safety_identifier', 'system_fingerprint', 'provider', 'include', 'output', 'response'],
  ...['item', 'part'],
])
/** Members of an event that holds the whole text of one place. */
const AGAIN = ['text', 'refusal', 'arguments', 'input', 'code', 'diff'] as const
/** Members that are text if they are a string. */
const READ: ReadonlySet<string> = new Set([...AGAIN, 'delta'])
/** More strings than this are not remembered, so that the memory of a stream is bounded. */
const MOST_REMEMBERED = 4 * 1024 * 1024

/**
 * Counts what a response says. Every piece of text comes several times in a stream: as a delta, in the
 * `.done` of its place, in its item, and in the response at the end. A delta counts in full, and a
 * repetition for what is new in it (threats K4).
 */
export class CountedTexts {
  readonly #usage: ResponseUsage
  readonly #output: OutputSoFar
  /** The number of the counter of each place of each item. */
  readonly #places = new Map<string, number>()
  /** Whole texts that were counted. */
  readonly #known = new Set<string>()
  #remembered = 0

  constructor(usage: ResponseUsage, output: OutputSoFar) {
    this.#usage = usage
    this.#output = output
  }

  /** Reads an event. False if it is nested too deeply to be read. */
  event(type: string, event: JsonObject): boolean {
    const { item, delta, part, response } = event
    if (isObject(response) && !this.response(response)) return false
    if (typeof delta === 'string') this.#delta(type, event, delta)
    if (isObject(item)) {
      const found = this.#output.of(event)
      this.#output.show(found, item, type.endsWith('.done'))
      this.#begin(found)
      if (type.endsWith('.done')) this.#seals(item)
      if (!this.#again(found, '', item)) return false
    }
    if (part !== undefined && !this.#again(this.#output.of(event), placeOf(type, event), part))
      return false
    for (const key of AGAIN) {
      const text = event[key]
      if (typeof text === 'string')
        this.#repeats(this.#output.of(event), placeOf(type, event), text)
    }
    return this.#others(event)
  }

  /** Sealed thinking beside which the same thinking stands in plain text is counted there. */
  #seals({ content, encrypted_content: sealed }: JsonObject): void {
    const plain = Array.isArray(content) && content.length > 0
    if (typeof sealed === 'string' && !plain) this.#usage.sealed(sealed.length)
  }

  #delta(type: string, event: JsonObject, delta: string): void {
    const item = this.#output.of(event)
    const place = placeOf(type, event)
    this.#output.append(item, place, delta)
    if (delta === '') return
    this.#usage.says(this.#counter(item, place), { texts: [delta], others: [], again: '' }, true)
  }

  /** A whole response, as the events of a stream and their end have it. */
  response(response: JsonObject): boolean {
    const { output } = response
    const items = Array.isArray(output) ? output : []
    for (const [index, item] of items.entries()) {
      if (!isObject(item)) continue
      const found = this.#output.at(index, item)
      if (!this.#again(found, '', item)) return false
    }
    return this.#others(response)
  }

  /** The answer has begun, although nothing of its text has come. */
  #begin(item: OutputItem): void {
    this.#usage.counter(this.#counter(item, ''))
  }

  /** The same for a response that ended without an item. */
  begins(): void {
    if (!this.#usage.begun) this.#usage.counter(0)
  }

  #again(item: OutputItem, place: string, value: Json): boolean {
    const found = new ItemTexts()
    found.read('', value, place)
    for (const { place, text } of found.texts) this.#repeats(item, place, text)
    return !found.tooDeep
  }

  #repeats(item: OutputItem, place: string, text: string): void {
    if (text === '' || this.#known.has(text)) return
    this.#remember(text)
    const counter = this.#counter(item, place)
    const size = this.#usage.counter(counter).addAgain(text, true)
    if (size > 0) this.#usage.flowed(counter, size)
  }

  /** Strings that nobody knows, each once. */
  #others(part: JsonObject): boolean {
    const found = new ItemTexts()
    for (const key in part) if (!this.#isRead(key, part[key])) found.read(key, part[key], key)
    if (found.texts.length === 0) return !found.tooDeep
    const texts = found.texts.map(({ text }) => text).filter((text) => !this.#known.has(text))
    for (const text of texts) this.#remember(text)
    this.#usage.others(texts)
    return !found.tooDeep
  }

  #isRead(key: string, value: Json | undefined): boolean {
    return DESCRIBES.has(key) || (typeof value === 'string' && READ.has(key))
  }

  #remember(text: string): void {
    this.#remembered += text.length
    if (this.#remembered <= MOST_REMEMBERED) this.#known.add(text)
  }

  #counter(item: OutputItem, place: string): number {
    const name = `${item.at} ${place}`
    const known = this.#places.get(name)
    if (known !== undefined) return known
    const next = this.#places.size
    this.#places.set(name, next)
    return next
  }
}
