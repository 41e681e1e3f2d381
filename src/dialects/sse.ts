/** Events of `text/event-stream` (WHATWG HTML, 9.2), found in bytes that come in any pieces. */

/** An event that is longer than this is no answer of a model. */
export const MOST_EVENT = 4 * 1024 * 1024

const LF = 0x0a
const CR = 0x0d
const NOTHING = Buffer.alloc(0)

/** Holds the bytes of an unfinished event between chunks, and remembers how far it was looked at. */
export class Frames {
  #held: Buffer = NOTHING
  #size = 0
  #at = 0
  #line = 0

  /** What was held and the chunk, as one; the chunk itself where nothing was held. */
  join(chunk: Buffer): Buffer {
    if (this.#size === 0) return chunk
    const size = this.#size + chunk.length
    if (size > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.#held.length))
      this.#held.copy(larger, 0, 0, this.#size)
      this.#held = larger
    }
    chunk.copy(this.#held, this.#size)
    this.#size = size
    return this.#held.subarray(0, size)
  }

  /** Where the event that begins at `from` ends, its blank line included; -1 where it is unfinished. */
  end(bytes: Buffer, from: number): number {
    let line = from + this.#line
    for (let at = from + this.#at; at < bytes.length; at += 1) {
      const c = bytes[at]
      if (c !== LF && c !== CR) continue
      if (c === CR && at + 1 === bytes.length) return this.#wait(at - from, line - from)
      const blank = at === line
      if (c === CR && bytes[at + 1] === LF) at += 1
      if (blank) {
        this.#wait(0, 0)
        return at + 1
      }
      line = at + 1
    }
    return this.#wait(bytes.length - from, line - from)
  }

  /** An event was told in another way: the next one begins anew. */
  forget(): void {
    this.#wait(0, 0)
  }

  #wait(at: number, line: number): -1 {
    this.#at = at
    this.#line = line
    return -1
  }

  /** Keeps what is unfinished. `bytes` may be used no more, where they came from `join`. */
  keep(bytes: Buffer, from: number): void {
    const size = bytes.length - from
    if (size > this.#held.length) this.#held = Buffer.allocUnsafeSlow(Math.max(512, size))
    bytes.copy(this.#held, 0, from)
    this.#size = size
  }

  /** What is unfinished, taken out. */
  take(): Buffer {
    const rest = this.#held.subarray(0, this.#size)
    this.#held = NOTHING
    this.#size = 0
    this.#wait(0, 0)
    return rest
  }
}

/** One event's fields. `error` is a field of older llama.cpp servers. */
export interface Fields {
  readonly data: string | null
  readonly error: string | null
}

/** Reads one event, with or without its blank line. Lines of data are joined by line feeds. */
export function fieldsOf(event: string): Fields {
  const data: string[] = []
  let error: string | null = null
  for (const line of event.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':')
    const name = colon === -1 ? line : line.slice(0, colon)
    if (name !== 'data' && name !== 'error') continue
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === 'data') data.push(value)
    else error = value
  }
  return { data: data.length === 0 ? null : data.join('\n'), error }
}
