import type { IncomingMessage, ServerResponse } from 'node:http'
import { assert } from '../floor/assert.ts'
import type { Timer, World } from '../floor/world.ts'
import type { Reply } from '../gate/ports.ts'

export interface ReplyOptions {
  readonly world: World
  /** So many ms a reader may read nothing of what waits for it (threats D6, G8). */
  readonly idleMs: number
  /**
   * Called with the status just before a head is sent, so that the listener can set its own
   * headers.
   */
  readonly onHead?: ((status: number) => void) | null
}

/**
 * At most so many bytes are given to the socket at once. Node tells when all of them were taken,
 * and not how many. Larger pieces, and those that come earlier, wait here. So a slow reader who
 * continues to read is noticed.
 */
const PIECE = 65_536
/** If more bytes wait, the writer is asked to pause. */
const MOST_WAITING = 65_536

/**
 * Answers one buyer through Node's own response, without copies and without Web streams. A head and
 * first bytes that come together leave in one packet. Waiting bytes have a deadline, which moves
 * with each piece that the reader takes. A reader who misses it counts as having left.
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
  readonly #world: World
  readonly #idleMs: number
  readonly #onHead: ((status: number) => void) | null
  readonly #trailers: boolean
  #headSent = false
  #written = false
  #ended = false
  #gone = false
  /** The number of pieces that the socket has and that are not taken yet. */
  #handed = 0
  /** The pieces that wait for the socket, in order. */
  readonly #queue: Uint8Array[] = []
  #queued = 0
  /** The callers that wait until everything is taken. */
  #drains: Array<() => void> = []
  #deadline: Timer | null = null
  #onGone: (() => void) | null = null

  constructor(incoming: IncomingMessage, outgoing: ServerResponse, options: ReplyOptions) {
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.#world = options.world
    this.#idleMs = options.idleMs
    this.#onHead = options.onHead ?? null
    this.#trailers = incoming.httpVersion === '1.1'
    if (outgoing.destroyed || outgoing.closed) this.#left()
    else outgoing.once('close', () => this.#left())
    // A broken connection also emits 'close'.
    outgoing.on('error', () => {})
  }

  get headSent(): boolean {
    return this.#headSent
  }

  get backlog(): number {
    return this.#queued + this.#outgoing.writableLength
  }

  head(status: number, headers: Readonly<Record<string, string | readonly string[]>>): void {
    assert(!this.#headSent, 'an answer has one head')
    this.#headSent = true
    if (this.#gone) return
    this.#outgoing.statusCode = status
    this.#onHead?.(status)
    for (const [name, value] of Object.entries(headers)) {
      if (name.toLowerCase() === 'trailer' && !this.#trailers) continue
      this.#outgoing.setHeader(name, value)
    }
    // The unread rest of a request must not be taken for the next request.
    if (isUnread(this.#incoming)) this.#outgoing.setHeader('connection', 'close')
    process.nextTick(() => {
      if (!this.#written && !this.#gone) this.#outgoing.flushHeaders()
    })
  }

  write(bytes: Uint8Array): boolean {
    this.#written = true
    if (this.#gone || this.#ended || bytes.byteLength === 0) return true
    this.#pass(bytes)
    const more = this.backlog < MOST_WAITING
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
    const size = bytes?.byteLength ?? 0
    if (this.#queued === 0 && size <= PIECE) this.#outgoing.end(bytes)
    else if (bytes !== undefined && size > 0) this.#endInPieces(bytes)
  }

  onDrain(then: () => void): void {
    if (this.backlog < MOST_WAITING) queueMicrotask(then)
    else this.#drains.push(then)
  }

  onGone(then: () => void): void {
    if (this.#gone && !this.#ended) then()
    else this.#onGone = then
  }

  #endInPieces(bytes: Uint8Array): void {
    const chunked = this.#outgoing.headersSent || this.#outgoing.hasHeader('trailer')
    if (!chunked) this.#outgoing.setHeader('content-length', bytes.byteLength)
    this.#pass(bytes)
  }

  /** Gives bytes to the socket if it has room, otherwise to the queue. */
  #pass(bytes: Uint8Array): void {
    const size = bytes.byteLength
    if (this.#queued === 0 && this.#hasRoom(size)) this.#hand(bytes)
    else {
      this.#queue.push(bytes)
      this.#queued += size
      this.#pump()
    }
  }

  #hasRoom(size: number): boolean {
    return size <= PIECE && this.#outgoing.writableLength + size <= PIECE
  }

  #hand(bytes: Uint8Array): void {
    this.#handed += 1
    this.#outgoing.write(bytes, this.#taken)
  }

  /** Gives the waiting pieces to the socket, one at a time. */
  #pump(): void {
    for (let [first] = this.#queue; first !== undefined; [first] = this.#queue) {
      const piece = first.subarray(0, PIECE)
      if (this.#handed > 0 && !this.#hasRoom(piece.byteLength)) return
      if (piece.byteLength === first.byteLength) this.#queue.shift()
      else this.#queue[0] = first.subarray(PIECE)
      this.#queued -= piece.byteLength
      this.#hand(piece)
    }
    if (this.#ended) this.#outgoing.end()
  }

  readonly #taken = (): void => {
    this.#handed -= 1
    if (this.#gone) return
    if (this.#queue.length > 0) this.#pump()
    if (this.#handed === 0) this.#drained()
    if (this.#deadline === null) return
    if (this.#handed > 0 || this.#ended) this.#deadline.refresh()
    else this.#rest()
  }

  #drained(): void {
    for (const then of this.#drains.splice(0)) then()
  }

  /** From now on the reader has `idleMs` to take something. Only that moves the deadline. */
  #await(): void {
    this.#deadline ??= this.#world.after(this.#idleMs, () => this.#outgoing.destroy())
  }

  #rest(): void {
    this.#deadline?.cancel()
    this.#deadline = null
  }

  #left(): void {
    this.#gone = true
    this.#queue.length = 0
    this.#rest()
    if (!this.#ended) this.#onGone?.()
    this.#onGone = null
  }
}

function isUnread({ complete, headers }: IncomingMessage): boolean {
  const bodied = headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0
  return bodied && !complete
}
