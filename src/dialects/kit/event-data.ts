import { isObject, type Json, type JsonObject } from './json.ts'
import { fieldsOf } from './sse.ts'
import { readJson } from './tolerant-json.ts'

/** The data that ends a stream. */
export const DONE = '[DONE]'

/** The data of one event after another, parsed once: to find the end of its event, and to read it. */
export class EventData {
  #parsed: { readonly data: string; readonly value: JsonObject } | null = null

  /** A line of data that is a JSON object, or the end, is an event by itself (threats K7). */
  readonly isWhole = (line: Buffer): boolean => {
    const data = fieldsOf(line.toString('utf8')).data?.trim() ?? ''
    if (data === DONE) return true
    if (!data.startsWith('{') || !data.endsWith('}')) return false
    const value = readJson(data)
    if (!isObject(value)) return false
    this.#parsed = { data, value }
    return true
  }

  /** The value of this data, which nobody else gets. Undefined if it cannot be read. */
  take(data: string): Json | undefined {
    const parsed = this.#parsed
    this.#parsed = null
    return parsed?.data === data ? parsed.value : readJson(data)
  }
}
