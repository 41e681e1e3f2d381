import type { IncomingMessage, ServerResponse } from 'node:http'
import { assert } from '../floor/assert.ts'
import type { Timer, World } from '../floor/world.ts'
import type { FlatHeaders, Reply } from '../gate/ports.ts'
import { isRead } from './body.ts'
import type { Standing } from './cors.ts'
import { takeFrom, writeChunk, writePiece } from './framing.ts'

export interface ReplyOptions {
  readonly world: World
  /** So many ms a reader may read nothing of what waits for it (threats D6, G8). */
  readonly idleMs: number
  /** The listener's own headers. */
  readonly standing?: Standing | null
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
 * Answers one buyer through Node's own response, without Web streams. What is written in one turn of
 * the event loop leaves at its end in one system call and as one chunk, with the head if that was
 * not sent yet. The end of an answer leaves at once, with what still waits. Waiting bytes have a
 * deadline, which moves with each piece that the reader takes. A reader who misses it counts as
 * having left.
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
  readonly #standing: Standing | null
  #status = 0
  /** The head until it is given to Node. */
  #head: FlatHeaders | null = null
  #chunked = false
  /** The head has left, with a first piece. */
  #begun = false
  #trailers: Readonly<Record<string, string>> | null = null
  #ended = false
  #gone = false
  /** Whether this turn of the event loop ends with a flush. */
  #flushes = false
  #finished = false
  /** The number of pieces that the socket has and that the reader did not take yet. */
  #handed = 0
  /** The bytes that wait for the end of this turn or for the socket, in order. */
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
    this.#standing = options.standing ?? null
    if (outgoing.destroyed || outgoing.closed) this.#left()
    else outgoing.on('close', () => this.#left())
    // A broken connection also emits 'close'.
    outgoing.on('error', ignored)
  }

  get headSent(): boolean {
    return this.#status !== 0
  }

  get backlog(): number {
    return this.#queued + this.#outgoing.writableLength
  }

  head(status: number, headers: FlatHeaders): void {
    assert(this.#status === 0, 'an answer has one head')
    this.#status = status
    if (this.#gone) return
    this.#head = headers
    this.#flushSoon()
  }

  write(bytes: Uint8Array): boolean {
    if (this.#gone || this.#ended || bytes.byteLength === 0) return true
    // Node throws here, and not at the end of the turn, if a header has a value that cannot be sent.
    if (this.#head !== null) this.#open(null)
    this.#queue.push(bytes)
    this.#queued += bytes.byteLength
    if (this.#queued >= PIECE) this.#pump()
    else this.#flushSoon()
    const more = this.backlog < MOST_WAITING
    if (!more) this.#await()
    return more
  }

  end(bytes?: Uint8Array, trailers?: Readonly<Record<string, string>>): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#gone) return
    if (bytes !== undefined && bytes.byteLength > 0) {
      this.#queue.push(bytes)
      this.#queued += bytes.byteLength
    }
    if (trailers !== undefined && this.#incoming.httpVersion === '1.1') this.#trailers = trailers
    if (this.#head !== null) this.#open(this.#trailers === null ? this.#queued : null)
    this.#pump()
    if (this.backlog > 0) this.#await()
  }

  breakOff(): void {
    if (this.#ended) return
    this.#ended = true
    this.#outgoing.destroy()
  }

  onDrain(then: () => void): void {
    if (this.backlog < MOST_WAITING) queueMicrotask(then)
    else this.#drains.push(then)
  }

  onGone(then: () => void): void {
    if (this.#gone && !this.#ended) then()
    else this.#onGone = then
  }

  /** Called at the end of a turn in which something was written. */
  flush(): void {
    this.#flushes = false
    if (this.#gone || this.#ended) return
    // After a bug, the answer that says so went first.
    if (this.#head !== null && this.#outgoing.headersSent) return
    if (this.#queued > 0) {
      if (!this.#passOne()) this.#pump()
    } else if (this.#head !== null) {
      this.#open(null)
      this.#outgoing.flushHeaders()
    }
  }

  #flushSoon(): void {
    if (this.#flushes) return
    this.#flushes = true
    process.nextTick(flush, this)
  }

  /** Gives the head to Node. `length` is null if the length of the body is not known yet. */
  #open(length: number | null): void {
    const outgoing = this.#outgoing
    const incoming = this.#incoming
    const served = this.#status === 200
    const headers = [...((served ? this.#standing?.served : this.#standing?.refused) ?? NO_HEADERS)]
    headers.push(...(incoming.httpVersion === '1.1' ? (this.#head ?? []) : this.#plain()))
    this.#head = null
    const bodiless = this.#status === 204 || this.#status === 304
    const known = length !== null && !bodiless && incoming.method !== 'HEAD'
    if (known) headers.push('content-length', `${length}`)
    // The unread rest of a request must not be taken for the next request.
    if (isUnread(incoming)) headers.push('connection', 'close')
    outgoing.writeHead(this.#status, headers)
    // Node would write each chunk in four parts. Here the gate writes the frame of its chunks.
    this.#chunked = outgoing.chunkedEncoding
    outgoing.chunkedEncoding = false
  }

  /** The headers for a client that understands no trailers. */
  #plain(): string[] {
    const headers = this.#head ?? []
    return headers.filter((_, at) => headers[at - (at % 2)]?.toLowerCase() !== 'trailer')
  }

  /** Gives the socket what it has room for, and the end after the last piece. */
  #pump(): void {
    if (this.#head !== null) this.#open(null)
    do {
      const size = Math.min(this.#queued, PIECE)
      if (this.#handed > 0 && this.#outgoing.writableLength + size > PIECE) return
      this.#queued -= size
      this.#finished = this.#ended && this.#queued === 0
      const end = this.#finished ? (this.#trailers ?? NO_TRAILERS) : null
      const bytes = takeFrom(this.#queue, size)
      writePiece(this.#outgoing, { bytes, size, chunked: this.#chunked, end })
      this.#begun = true
      if (!this.#finished) this.#watch()
    } while (this.#queued > 0)
  }

  /** Writes what waits if it is one piece that can leave at once. */
  #passOne(): boolean {
    const [only] = this.#queue
    const one = only !== undefined && only.byteLength === this.#queued && this.#handed === 0
    if (!one || !this.#chunked || !this.#begun || !writeChunk(this.#outgoing, only)) return false
    this.#queue.length = 0
    this.#queued = 0
    this.#watch()
    return true
  }

  /** Node tells when the reader has taken a piece, if it was not taken at once. */
  #watch(): void {
    if (this.#outgoing.writableLength === 0) return
    this.#handed += 1
    this.#outgoing.write('', this.#taken)
  }

  readonly #taken = (): void => {
    this.#handed -= 1
    if (this.#gone) return
    if (this.#queued > 0 || this.#ended !== this.#finished) this.#pump()
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
    this.#queued = 0
    this.#rest()
    if (!this.#ended) this.#onGone?.()
    this.#onGone = null
  }
}

const NO_TRAILERS = {}
const NO_HEADERS: FlatHeaders = []
const ignored = (): void => {}
const flush = (reply: NodeReply): void => reply.flush()

function isUnread(request: IncomingMessage): boolean {
  const { headers } = request
  const bodied = headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0
  return bodied && !isRead(request)
}
