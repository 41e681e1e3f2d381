import { isObject, type JsonObject } from '../kit/json.ts'
import { fieldsOf } from '../kit/sse.ts'
import { readJson } from '../kit/tolerant-json.ts'

export interface Chunk {
  readonly is: 'chunk'
  readonly chunk: JsonObject
  /** The name of the event is `error`. */
  readonly failed: boolean
}

/** What one event of a stream is. */
export type Event =
  | Chunk
  /** A comment, a name or an empty event. A client shows nothing of it. */
  | { readonly is: 'nothing' }
  /** `exact`: the data is the mark alone. */
  | { readonly is: 'done'; readonly exact: boolean }
  | { readonly is: 'unreadable'; readonly why: string }

const NOTHING: Event = { is: 'nothing' }
const DONE = '[DONE]'

/**
 * Reads one event. An event that cannot be read is not delivered, because it was not counted (J9).
 *
 * @param line its data, if that has been read already
 */
export function readEvent(text: string, line: JsonObject | null = null): Event {
  const { data, error, failed, odd } = fieldsOf(text)
  if (error !== null) return { is: 'unreadable', why: error }
  if (odd) return { is: 'unreadable', why: 'a line of the upstream is no field of an event' }
  if (line !== null) return { is: 'chunk', chunk: line, failed }
  const said = data?.trim() ?? ''
  if (said === '') return NOTHING
  // Clients stop at any data that begins like this.
  if (said.startsWith(DONE)) return { is: 'done', exact: said === DONE }
  const chunk = readJson(said)
  if (chunk === null) return NOTHING
  if (isObject(chunk)) return { is: 'chunk', chunk, failed }
  return { is: 'unreadable', why: 'an event of the upstream cannot be read' }
}

/** The value of a line of data that is a whole event: a JSON object or the end. Else null (K7). */
export function wholeOf(line: string): JsonObject | typeof DONE | null {
  const data = fieldsOf(line).data?.trim() ?? ''
  if (data === DONE) return DONE
  if (!data.startsWith('{') || !data.endsWith('}')) return null
  const chunk = readJson(data)
  return isObject(chunk) ? chunk : null
}
