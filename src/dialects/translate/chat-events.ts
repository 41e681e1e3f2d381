import { isObject, type JsonObject } from '../kit/json.ts'
import { asBuffer, Frames, fieldsOf } from '../kit/sse.ts'
import { readJson } from '../kit/tolerant-json.ts'

/**
 * Reads the chunks in what the meter of chat completions lets through. That meter has read each of
 * these events before and passes whole events only, so one that cannot be read here is a comment, an
 * empty event or the mark of the end.
 */
export class ChatEvents {
  readonly #frames = new Frames()

  read(bytes: Uint8Array): readonly JsonObject[] {
    if (bytes.length === 0) return NONE
    const all = this.#frames.join(asBuffer(bytes))
    const chunks: JsonObject[] = []
    let from = 0
    while (from < all.length) {
      const end = this.#frames.end(all, from, isWhole)
      if (end === -1) break
      this.#add(all.toString('utf8', from, end), chunks)
      from = end
    }
    this.#frames.keep(all, from)
    return chunks
  }

  /** No more comes: an event that lacks only its end is read. */
  rest(): readonly JsonObject[] {
    const chunks: JsonObject[] = []
    this.#add(this.#frames.take().toString('utf8'), chunks)
    return chunks
  }

  #add(event: string, chunks: JsonObject[]): void {
    const chunk = chunkOf(event)
    if (chunk !== null) chunks.push(chunk)
  }
}

const NONE: readonly JsonObject[] = []

const isWhole = (line: Buffer): boolean => chunkOf(line.toString('utf8')) !== null

function chunkOf(event: string): JsonObject | null {
  const data = fieldsOf(event).data?.trim() ?? ''
  const value = data.startsWith('{') ? readJson(data) : undefined
  return isObject(value) ? value : null
}
