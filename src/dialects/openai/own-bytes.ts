import type { JsonObject } from '../kit/json.ts'
import type { Endpoint } from './endpoint.ts'

const CR = 0x0d
const LF = 0x0a
/**
 * Sent before the first chunk. It ends with one line feed, because a blank line is an empty event.
 */
const WAITING = ': waiting for the model\n'

/**
 * The bytes that the gate itself puts into a stream. They use the ids and line ends of that stream,
 * so that no reader breaks (threats K2). Three kinds of readers make the rules. Some take every
 * blank line for an event, even after a comment (openai-go), so no blank line follows a comment of
 * the gate. Some split at blank lines and drop what does not begin with `data:`, so a comment never
 * stands in front of an event that somebody needs. All of them stop at `[DONE]`, so the cost stands
 * in that event.
 */
export class OwnBytes {
  readonly #endpoint: Endpoint
  /** `id`, `object`, `created` and `model` of the stream. Null before its first chunk. */
  #head: JsonObject | null = null
  readonly #model: string
  #lineEnd = '\n'
  /** The line ends that the passed bytes lack to end with a blank line. */
  #gap = ''
  /** The gate has sent a comment, and no event has followed it. */
  #waiting = false

  constructor(endpoint: Endpoint, model: string) {
    this.#endpoint = endpoint
    this.#model = model
  }

  /** Learns the head of the chunks and the line ends from the first chunk of the stream. */
  learn(chunk: JsonObject, event: string): void {
    if (this.#head?.id) return
    if (this.#head === null) this.#lineEnd = /(?:\r\n|\n|\r)$/.exec(event)?.[0] ?? '\n'
    this.#head = headOf(chunk)
  }

  /** These bytes of the backend leave. Returns what must leave before them, mostly nothing. */
  passes(out: Uint8Array): string {
    this.#gap = this.#missing(out)
    return this.#head === null ? '' : this.#closed()
  }

  /**
   * Keeps a silent stream open: with a comment before its first chunk, later with an empty delta.
   * @param choice one that has not finished. If all have (undefined), nothing is sent
   */
  keepAlive(choice: number | undefined): string {
    if (this.#head === null) {
      this.#waiting = true
      return WAITING
    }
    this.#waiting = false
    return choice === undefined ? '' : this.#take(this.#event(this.#empty(choice)))
  }

  /** Chunks of the gate's own, each as an event. */
  chunks(parts: readonly JsonObject[]): string {
    const { chunk } = this
    return this.#take(this.#closed() + parts.map((part) => this.#event(chunk(part))).join(''))
  }

  /** An event that is no chunk: an error. */
  event(data: unknown): string {
    return this.#take(this.#closed() + this.#event(data))
  }

  /** A chunk with the head of this stream. If the stream has no ids, this chunk has none. */
  readonly chunk = (part: JsonObject): JsonObject => ({ ...this.#named(), ...part })

  /**
   * The last bytes of a stream. The note is a comment in the event of `[DONE]`, or the last line if
   * there is no such event.
   * @param done the event with its blank line; empty if there is none
   */
  end(done: string, note: string | null): string {
    const comment = note === null ? '' : `: ${note}${this.#lineEnd}`
    const whole = done === '' ? '' : done + this.#missing(Buffer.from(done))
    return this.#take(comment + whole)
  }

  /** `[DONE]` as an event of the gate's own. */
  done(): string {
    return `data: [DONE]${this.#lineEnd}${this.#lineEnd}`
  }

  /**
   * Ends a comment with an empty delta. A reader that drops the event behind a comment loses
   * nothing.
   */
  #closed(): string {
    if (!this.#waiting) return ''
    this.#waiting = false
    return this.#event(this.#empty(0))
  }

  #empty(choice: number): JsonObject {
    return this.chunk({ choices: [this.#endpoint.empty(choice)] })
  }

  #event(data: unknown): string {
    return `data: ${JSON.stringify(data)}${this.#lineEnd}${this.#lineEnd}`
  }

  #named(): JsonObject {
    const { object } = this.#endpoint
    if (this.#head !== null) return { object, ...this.#head }
    return { id: 'chatcmpl-satgate', object, created: 0, model: this.#model }
  }

  #take(bytes: string): string {
    const gap = this.#gap
    this.#gap = ''
    return gap + bytes
  }

  /** The line ends that are missing. Some backends put only one between events (threats K7). */
  #missing(out: Uint8Array): string {
    const last = out.length - 1
    if (out[last] !== LF && out[last] !== CR) return this.#lineEnd + this.#lineEnd
    const before = out[last] === LF && out[last - 1] === CR ? last - 2 : last - 1
    // If there is nothing before the line end, it is a blank line.
    return before < 0 || out[before] === LF || out[before] === CR ? '' : this.#lineEnd
  }
}

function headOf({ id, object, created, model }: JsonObject): JsonObject {
  const head: JsonObject = {}
  for (const [key, value] of Object.entries({ id, object, created, model })) {
    if (typeof value === 'string' || typeof value === 'number') head[key] = value
  }
  return head
}
