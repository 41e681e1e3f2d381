import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Reply } from '../gate/ports.ts'

export interface ReplyOptions {
  /** How long a reader may take nothing of what waits for it, in ms (D6, G8). */
  readonly idleMs: number
  /** Called with the status just before a head leaves, to set headers of the listener's own. */
  readonly onHead?: ((status: number) => void) | null
}

/** A large body goes out in pieces, so that a slow but honest reader is seen to take some. */
const PIECE = 65_536

/**
 * The way back to one buyer, on Node's own response: no copy, no Web Stream, head and first bytes
 * in one packet where they come together. Waiting bytes have a deadline that moves with each piece
 * that is taken; a reader that misses it has left.
 */
export function nodeReply(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: ReplyOptions,
): Reply {
  return new NodeReply(incoming, outgoing, options)
}

class NodeReply implements Reply {
  readonly #incoming: IncomingMessage
  readonly #outgoing: ServerResponse
  readonly #idleMs: number
  readonly #onHead: ((status: number) => void) | null
  readonly #trailers: boolean
  #headSent = false
  #written = false
  #ended = false
  #gone = false
  /** Pieces that were written and not taken yet. */
  #waiting = 0
  #deadline: NodeJS.Timeout | null = null
  #onGone: (() => void) | null = null

  constructor(incoming: IncomingMessage, outgoing: ServerResponse, options: ReplyOptions) {
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.#idleMs = options.idleMs
    this.#onHead = options.onHead ?? null
    this.#trailers = incoming.httpVersion === '1.1'
    if (outgoing.destroyed || outgoing.closed) this.#left()
    else outgoing.once('close', () => this.#left())
    // A broken pipe is told by 'close' as well.
    outgoing.on('error', () => {})
  }

  get headSent(): boolean {
    return this.#headSent
  }

  get backlog(): number {
    return this.#outgoing.writableLength
  }

  head(status: number, headers: Readonly<Record<string, string | readonly string[]>>): void {
    this.#headSent = true
    if (this.#gone) return
    this.#outgoing.statusCode = status
    this.#onHead?.(status)
    for (const [name, value] of Object.entries(headers)) {
      if (name.toLowerCase() === 'trailer' && !this.#trailers) continue
      this.#outgoing.setHeader(name, value)
    }
    // What was not read of the request must not be taken for the next one.
    if (isUnread(this.#incoming)) this.#outgoing.setHeader('connection', 'close')
    process.nextTick(() => {
      if (!this.#written && !this.#gone) this.#outgoing.flushHeaders()
    })
  }

  write(bytes: Uint8Array): boolean {
    this.#written = true
    if (this.#gone || this.#ended || bytes.byteLength === 0) return true
    this.#waiting += 1
    const more = this.#outgoing.write(bytes, this.#taken)
    if (!more) this.#await()
    return more
  }

  end(bytes?: Uint8Array, trailers?: Readonly<Record<string, string>>): void {
    this.#written = true
    if (this.#ended) return
    this.#ended = true
    if (this.#gone) return
    if (trailers !== undefined && this.#trailers) this.#outgoing.addTrailers(trailers)
    this.#await()
    if (bytes === undefined || bytes.byteLength <= PIECE) this.#outgoing.end(bytes)
    else this.#endInPieces(bytes)
  }

  onDrain(then: () => void): void {
    if (this.#outgoing.writableNeedDrain) this.#outgoing.once('drain', then)
    else queueMicrotask(then)
  }

  onGone(then: () => void): void {
    if (this.#gone && !this.#ended) then()
    else this.#onGone = then
  }

  #endInPieces(bytes: Uint8Array): void {
    const chunked = this.#outgoing.headersSent || this.#outgoing.hasHeader('trailer')
    if (!chunked) this.#outgoing.setHeader('content-length', bytes.byteLength)
    const next = (from: number) => {
      if (this.#gone) return
      const piece = bytes.subarray(from, from + PIECE)
      if (from + PIECE >= bytes.byteLength) this.#outgoing.end(piece)
      else this.#outgoing.write(piece, () => next(from + PIECE))
      this.#deadline?.refresh()
    }
    next(0)
  }

  readonly #taken = (): void => {
    this.#waiting -= 1
    if (this.#deadline === null || this.#gone) return
    if (this.#waiting > 0 || this.#ended) this.#deadline.refresh()
    else this.#rest()
  }

  /** From now on the reader has `idleMs` to take something: only that moves the deadline. */
  #await(): void {
    this.#deadline ??= setTimeout(() => this.#outgoing.destroy(), this.#idleMs)
  }

  #rest(): void {
    if (this.#deadline !== null) clearTimeout(this.#deadline)
    this.#deadline = null
  }

  #left(): void {
    this.#gone = true
    this.#rest()
    if (!this.#ended) this.#onGone?.()
    this.#onGone = null
  }
}

function isUnread({ complete, headers }: IncomingMessage): boolean {
  const bodied = headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0
  return bodied && !complete
}
