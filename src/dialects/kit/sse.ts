/**
 * Finds the events of a `text/event-stream` (WHATWG HTML, 9.2) in bytes that come in any pieces.
 */

/** The longest event in bytes. No answer of a model is longer. */
export const MOST_EVENT = 4 * 1024 * 1024

const LF = 0x0a
const CR = 0x0d
const NOTHING = Buffer.alloc(0)

/** The same bytes, not a copy. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Keeps the bytes of an unfinished event between chunks, and how far they were searched. */
export class Frames {
  #held: Buffer = NOTHING
  #size = 0
  #at = 0
  #line = 0
  /** The unfinished event has a line of data. */
  #data = false

  /** The kept bytes and the chunk in one buffer. The chunk itself if nothing was kept. */
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

  /**
   * The end of the event that begins at `from`: after its blank line, or after a line of data that
   * `isWhole` takes for an event by itself, if no other line of data comes before it (K7). -1 if
   * the event is unfinished.
   */
  end(bytes: Buffer, from: number, isWhole: (line: Buffer) => boolean): number {
    let line = from + this.#line
    for (let at = from + this.#at; at < bytes.length; at += 1) {
      const c = bytes[at]
      if (c !== LF && c !== CR) continue
      if (c === CR && at + 1 === bytes.length) return this.#wait(at - from, line - from)
      const stop = at
      if (c === CR && bytes[at + 1] === LF) at += 1
      const ends = stop === line || this.#isEvent(bytes.subarray(line, stop), isWhole)
      line = at + 1
      if (!ends) continue
      this.forget()
      return line
    }
    return this.#wait(bytes.length - from, line - from)
  }

  #isEvent(line: Buffer, isWhole: (line: Buffer) => boolean): boolean {
    if (!isData(line)) return false
    if (!this.#data && isWhole(line)) return true
    this.#data = true
    return false
  }

  /** The end of an event was found in another way. The search begins anew with the next event. */
  forget(): void {
    this.#data = false
    this.#wait(0, 0)
  }

  #wait(at: number, line: number): -1 {
    this.#at = at
    this.#line = line
    return -1
  }

  /** Keeps an unfinished event. If `bytes` came from `join`, nobody may use them after this. */
  keep(bytes: Buffer, from: number): void {
    const size = bytes.length - from
    if (size > this.#held.length) this.#held = Buffer.allocUnsafeSlow(Math.max(512, size))
    bytes.copy(this.#held, 0, from)
    this.#size = size
  }

  /** Takes the unfinished event out. */
  take(): Buffer {
    const rest = this.#held.subarray(0, this.#size)
    this.#held = NOTHING
    this.#size = 0
    this.forget()
    return rest
  }
}

const DATA = Buffer.from('data')

function isData(line: Buffer): boolean {
  const from = isMarked(line) ? 3 : 0
  return line.subarray(from, from + DATA.length).equals(DATA)
}

/** The line begins with a byte order mark. */
const isMarked = (line: Buffer): boolean => line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf

/** The fields of one event. */
export interface Fields {
  readonly data: string | null
  /** A field of older llama.cpp servers. */
  readonly error: string | null
  /** The event has the name `error`. */
  readonly failed: boolean
  /** Some line is no field. A client that shows it would show text that was not counted (J9). */
  readonly odd: boolean
}

/** Fields that clients do not show. The name of a comment is empty. */
const SILENT = new Set(['', 'id', 'retry'])

/**
 * Reads one event, with or without its blank line. Lines of data are joined by line feeds. A byte
 * order mark at the beginning of any line is left out.
 */
export function fieldsOf(event: string): Fields {
  const data: string[] = []
  let error: string | null = null
  let odd = false
  let failed = false
  for (const marked of event.split(/\r\n|\n|\r/)) {
    const line = marked.startsWith('\uFEFF') ? marked.slice(1) : marked
    const colon = line.indexOf(':')
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === 'data') data.push(value)
    else if (name === 'error') error = value
    else if (name === 'event') failed = value.trim() === 'error'
    else if (!SILENT.has(name) && line.trim() !== '') odd = true
  }
  return { data: data.length === 0 ? null : data.join('\n'), error, failed, odd }
}
