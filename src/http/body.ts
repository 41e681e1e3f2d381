import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Awaitable, andThen } from '../floor/awaitable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { Sweep, Swept } from '../floor/sweep.ts'
import type { World } from '../floor/world.ts'
import { type Refusal, refuse } from '../gate/refusal.ts'
import { type BodyRoom, type BodyShare, SMALL_BODY, type Whose } from './body-share.ts'

export interface BodyLimits {
  readonly world: World
  /** The largest body, in bytes. */
  readonly limit: number
  /**
   * The time for the whole body in ms, also for one that arrives steadily and slowly (threats D6).
   */
  readonly deadlineMs: number
  /** Where the deadlines of bodies stand that still arrive. */
  readonly deadlines: Sweep<Swept>
  /** The memory that the body is counted in, and whose body it is (threats J7). */
  readonly share: BodyShare
  readonly whose: Whose
}

/**
 * A body that was read to its end. It keeps its room until `release`, which may be called more than
 * once.
 */
export interface Body {
  readonly bytes: Uint8Array
  /** Called when its request is served. From then on its client may send another large body. */
  admit(): void
  release(): void
}

/**
 * So long the rest of a refused body is read and thrown away, so that the client sees the refusal.
 */
const LINGER_MS = 1_000
/** The first size of a buffer, unless its body is shorter. */
const FIRST_BUFFER = 16_384

const NOTHING: Body = { bytes: new Uint8Array(0), admit: () => {}, release: () => {} }

/** Where a request keeps its response while its sender waits for `100 Continue` (RFC 9110 10.1.1). */
const CONTINUE = Symbol('continue')

/** Set when every byte of the body was read. */
const READ = Symbol('read')

type Arriving = IncomingMessage & {
  [CONTINUE]?: ServerResponse | undefined
  [READ]?: boolean
}

/** Notes that this client sends its body only after `100 Continue`. `readBody` sends that. */
export function awaitsContinue(request: Arriving, response: ServerResponse): void {
  request[CONTINUE] = response
}

/**
 * Reads the body of a request. It is refused with 413 if it is too large: before reading if the
 * length is declared, otherwise at the first byte too many. 415: it is encoded. 408: the deadline
 * is over. 400: the buyer left. 503: the memory that bodies share is full, or was needed while this
 * one came too slowly.
 */
export function readBody(request: Arriving, limits: BodyLimits): Awaitable<Result<Body, Refusal>> {
  const { headers } = request
  const encoding = headers['content-encoding'] ?? 'identity'
  const transfer = headers['transfer-encoding'] ?? 'chunked'
  if (encoding.toLowerCase() !== 'identity' || transfer.toLowerCase() !== 'chunked') {
    return refused(request, limits.world, ENCODED)
  }
  const declared = declaredLength(request)
  if (declared === 0) return ok(NOTHING)
  if (declared !== null && declared > limits.limit)
    return refused(request, limits.world, tooLarge(limits.limit))
  if (request.readableLength === declared && request[CONTINUE] === undefined) {
    return readWhole(request, limits, declared)
  }
  return andThen(new Reading(request, limits, declared).result, (read) =>
    read.ok ? read : refused(request, limits.world, read.error),
  )
}

/** Reads a body that has arrived: nothing is waited for. */
function readWhole(
  request: Arriving,
  { share, whose }: BodyLimits,
  size: number,
): Result<Body, Refusal> {
  const bytes: Uint8Array = request.read()
  request[READ] = true
  // Its end is still to come, and only a stream that flows tells it.
  request.resume()
  const room = share.take(whose, size)
  return room === null ? err(BUSY) : ok(new KeptBody(bytes, room))
}

/**
 * Whether nothing of the body is still to come, so that the connection can be used again. Node
 * hands a body over a moment before it says that the request is complete.
 */
export const isRead = (request: Arriving): boolean => request.complete || request[READ] === true

/** The declared length of a body. Null if it comes in chunks without a declared length. */
function declaredLength({ headers }: IncomingMessage): number | null {
  if (headers['transfer-encoding'] !== undefined) return null
  return Number(headers['content-length'] ?? 0)
}

const ENCODED = refuse(
  415,
  'unsupported_encoding',
  'The body is compressed or otherwise encoded, which is not read here. Send it as plain JSON, without Content-Encoding and with no Transfer-Encoding but chunked.',
)
const TOO_SLOW = refuse(
  408,
  'request_timeout',
  'The request body took too long to arrive. Send the request again.',
)
const CUT = refuse(
  400,
  'incomplete_body',
  'The request body ended before it was complete. Send the request again.',
)
const BUSY = refuse(
  503,
  'bodies_busy',
  'Too many large request bodies are on their way; nothing was charged. Try again in some seconds.',
  { retryAfterSeconds: 1 },
)
const tooLarge = (limit: number): Refusal =>
  refuse(
    413,
    'request_too_large',
    `The request body is larger than the ${limit} bytes that are taken here. Send less in one request.`,
  )

/** A body with its room. */
class KeptBody implements Body {
  readonly bytes: Uint8Array
  readonly #room: BodyRoom

  constructor(bytes: Uint8Array, room: BodyRoom) {
    this.bytes = bytes
    this.#room = room
  }

  admit(): void {
    this.#room.admit()
  }

  release(): void {
    this.#room.leave()
  }
}

/**
 * Reads one body into one buffer. The buffer grows as the body arrives, and only as far as it has
 * room.
 */
class Reading implements Swept {
  seat = -1
  readonly due: number
  readonly result: Promise<Result<Body, Refusal>>
  readonly #request: Arriving
  readonly #limit: number
  readonly #most: number
  readonly #deadlines: Sweep<Swept>
  readonly #place: BodyRoom | null
  #buffer: Uint8Array = NOTHING.bytes
  #size = 0
  #done: (result: Result<Body, Refusal>) => void = () => {}

  constructor(request: IncomingMessage, limits: BodyLimits, declared: number | null) {
    this.#request = request
    this.#limit = limits.limit
    this.#most = declared ?? limits.limit
    this.result = new Promise((resolve) => {
      this.#done = resolve
    })
    this.due = limits.world.elapsed() + limits.deadlineMs
    this.#deadlines = limits.deadlines
    this.#deadlines.add(this)
    const { share, whose } = limits
    this.#place = share.enter(whose, declared, () => this.#refuse(BUSY))
    if (this.#place === null) this.#refuse(BUSY)
    else if (request.destroyed && !request.readableEnded) this.#refuse(CUT)
    else this.#start()
  }

  onDue(): void {
    this.#refuse(TOO_SLOW)
  }

  #start(): void {
    this.#request[CONTINUE]?.writeContinue()
    this.#request[CONTINUE] = undefined
    // Without this listener, the error of a broken connection would end the process.
    this.#request.on('error', () => {})
    this.#request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose)
  }

  readonly #onData = (chunk: Buffer): void => {
    const size = this.#size + chunk.length
    if (size > this.#limit) this.#refuse(tooLarge(this.#limit))
    else if (!this.#hold(chunk, size)) this.#refuse(BUSY)
    else {
      this.#size = size
      if (this.#place !== null) this.#place.received = size
    }
  }

  /**
   * Keeps a chunk. Returns false if there is no room. A body that comes in one piece is not copied.
   */
  #hold(chunk: Buffer, size: number): boolean {
    if (size > this.#buffer.length) {
      const whole = this.#size === 0 && size === this.#most
      const capacity = whole ? size : this.#capacity(size)
      if (this.#place?.grow(capacity) !== true) return false
      if (whole) {
        this.#buffer = chunk
        return true
      }
      const larger = Buffer.allocUnsafeSlow(capacity)
      larger.set(this.#buffer.subarray(0, this.#size))
      this.#buffer = larger
    }
    this.#buffer.set(chunk, this.#size)
    return true
  }

  /**
   * The next size of the buffer. It grows by half each time, so all copies together take linear
   * time.
   */
  #capacity(size: number): number {
    const roomy = Math.max(FIRST_BUFFER, size, Math.ceil(this.#buffer.length * 1.5))
    const capacity = size <= SMALL_BODY ? Math.min(roomy, SMALL_BODY) : roomy
    return Math.min(capacity, this.#most)
  }

  readonly #onEnd = (): void => {
    const place = this.#place
    this.#stop()
    if (place === null) return
    place.arrived()
    this.#done(ok(new KeptBody(this.#buffer.subarray(0, this.#size), place)))
  }

  readonly #onClose = (): void => this.#refuse(CUT)

  #refuse(refusal: Refusal): void {
    this.#stop()
    this.#buffer = NOTHING.bytes
    this.#place?.leave()
    this.#done(err(refusal))
  }

  #stop(): void {
    this.#deadlines.delete(this)
    this.#request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose)
  }
}

/**
 * If the connection closed at once, a client that is still sending would see a reset in place of
 * the answer (RFC 9112 9.6). So the rest of the body is read for a while. A client that waits for
 * `100 Continue` sends nothing.
 */
function refused(
  request: Arriving,
  world: World,
  error: Refusal,
): Awaitable<Result<Body, Refusal>> {
  if (request.complete || request.destroyed || request[CONTINUE] !== undefined) return err(error)
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel()
      request.pause()
      resolve(err(error))
    }
    const timer = world.after(LINGER_MS, done)
    request.on('error', done).once('end', done).once('close', done).resume()
  })
}
