import type { Meter, Wire } from '../dialects/dialect.ts'
import type { Seated } from '../floor/roster.ts'
import { every, type Timer, type World } from '../floor/world.ts'
import { type AnswerHead, headOf } from './answer-head.ts'
import type { End } from './outcome.ts'
import { Pace } from './pace.ts'
import type { Reply, Sent, Upstream, UpstreamRequest } from './ports.ts'
import type { UpstreamSaid } from './upstream-words.ts'

/** ms. The setting `timeouts`. */
export interface Timeouts {
  readonly firstByte: number
  readonly idle: number
}

/** How the exchange with the backend ended. */
export interface Relayed {
  readonly end: End
  /** The backend's refusal, if the dialect does not take its status for an answer. */
  readonly said: UpstreamSaid | null
  /** An answer in one piece, as the buyer may see it. */
  readonly whole: Uint8Array | null
  /** Null if the backend gave no answer at all. */
  readonly head: AnswerHead | null
  /** ms from sending to the first byte of output. */
  readonly firstByteAt: number | null
  /** ms in which the output was made (`Pace.made`). */
  readonly madeMs: number | null
  /** Why the backend failed. For the operator alone. */
  readonly detail: string | null
}

export interface RelayParts {
  readonly upstream: Upstream
  readonly request: UpstreamRequest
  readonly reply: Reply
  readonly meter: Meter
  /** Tells a stream from an answer in one piece. */
  readonly wire: Wire
  readonly streamed: boolean
  readonly timeouts: Timeouts
  readonly world: World
  /** Opens the stream to the buyer. Called once, before the first byte. */
  readonly open: (head: AnswerHead | null) => void
  /** The backend answered, so it has the request and is not sent it again. */
  readonly answered: () => void
  /** Something came. Called about once a second at most. */
  readonly progress: () => void
}

/** ms of silence after which the gate sends bytes of its own to keep the stream open. */
const KEEP_ALIVE = 10_000
/** ms that the relay waits for the usage when every choice has ended. */
const USAGE_GRACE = 2_000
const PROGRESS = 1_000
/** The most bytes of an answer in one piece, and of a refusal (`docs/failure.md`). */
const WHOLE_MOST = 64 * 1024 * 1024
const REFUSAL_MOST = 64 * 1024
/** All that is kept of an error in a stream, because its text may repeat a prompt. */
const ERROR_EVENT = 'error event'

/**
 * Passes bytes from the backend to the buyer, shows them to the meter, and says once how it ended.
 * A stream flows as it comes; if the buyer reads slowly, the backend is held back. Everything else
 * is gathered and delivered in one piece.
 */
export class Relay implements Seated {
  seat = -1
  readonly #parts: RelayParts
  readonly #done: (relayed: Relayed) => void
  readonly result: Promise<Relayed>
  #sent: Sent | null = null
  #head: AnswerHead | null = null
  /** Whether the answer is a stream, by the dialect. Null until enough bytes have come to tell. */
  #flowing: boolean | null = false
  #chunks: Uint8Array[] = []
  #size = 0
  #ended = false
  #upstreamEnded = false
  /** The body has begun. Some backends send the head at once and then think. */
  #begun = false
  readonly #pace: Pace
  #lastData: number
  #lastOut: number
  #lastProgress: number
  #finishedAt: number | null = null
  /** How many choices had ended at `#finishedAt`. */
  #finishes = 0
  #draining = false
  #gone = false
  #timer: Timer | null = null

  constructor(parts: RelayParts) {
    this.#parts = parts
    const { promise, resolve } = Promise.withResolvers<Relayed>()
    this.result = promise
    this.#done = resolve
    this.#lastData = parts.world.elapsed()
    this.#pace = new Pace(this.#lastData)
    this.#lastOut = this.#lastData
    this.#lastProgress = this.#lastData
  }

  /**
   * Sends the request. Resolves when the backend has finished or closed it: then its slot is free.
   */
  start(): Promise<void> {
    const { upstream, request, reply, world } = this.#parts
    this.#timer = every(world, 500, () => this.#tick())
    this.#sent = upstream.send(request, {
      onHead: (status, headers) => this.#onHead(status, headers),
      onData: (chunk) => this.#onData(chunk),
      onEnd: () => this.#onEnd(),
      onError: (kind) => this.#finish('upstream_failed', kind),
    })
    if (this.#ended) this.#sent.abort()
    reply.onGone(() => this.#left())
    return this.#sent.released
  }

  /** A buyer who leaves after the answer's end got all of it, so its usage is awaited (J15). */
  #left(): void {
    this.#gone = this.#parts.meter.seen.finished
    if (!this.#gone) this.#finish('client_left')
    else this.#sent?.resume()
  }

  /** Ends the exchange because the gate stops. The money is given back. */
  stop(): void {
    this.#finish('stopped')
  }

  #onHead(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void {
    this.#head = headOf(this.#parts.wire, status, headers)
    const { answers } = this.#head
    if (answers) this.#parts.answered()
    this.#flowing = answers && status === 200 && this.#parts.streamed ? null : false
  }

  /** Asks the dialect whether it is a stream (K18). Returns the bytes to go on with. */
  #begin(chunk: Uint8Array): Uint8Array {
    const first = this.#chunks.length === 0 ? chunk : Buffer.concat([...this.#chunks, chunk])
    this.#flowing = this.#parts.wire.isStream(this.#head?.label ?? null, first)
    if (!this.#flowing) return chunk
    this.#chunks = []
    this.#size = 0
    return first
  }

  #onData(chunk: Uint8Array): boolean {
    if (this.#ended) return true
    const now = this.#parts.world.elapsed()
    this.#lastData = now
    this.#begun = true
    const bytes = this.#flowing === null ? this.#begin(chunk) : chunk
    if (!this.#flowing) return this.#gather(bytes)
    return this.#pass(this.#parts.meter.stream(bytes), now)
  }

  /** Writes what the meter lets through, then acts on what the meter has seen. */
  #pass(out: Uint8Array, now: number): boolean {
    const { meter, reply } = this.#parts
    const { seen } = meter
    if (seen.output) this.#pace.output(now)
    if (seen.error !== null && !seen.output) return this.#failed(ERROR_EVENT)
    const taken = out.length === 0 || this.#write(out, now)
    if (seen.over) this.#finish('cut')
    else if (seen.error !== null) return this.#failed(ERROR_EVENT)
    else if (seen.done) this.#finish('complete')
    else this.#awaitUsage(now)
    if (!this.#ended) this.#journal(now)
    if (!taken && !this.#ended) this.#awaitDrain(reply)
    return taken
  }

  /** The wait for the usage begins anew if a choice ends, and stops if a choice goes on (K1). */
  #awaitUsage(now: number): void {
    const { finished, finishes } = this.#parts.meter.seen
    if (!finished) this.#finishedAt = null
    else if (finishes !== this.#finishes) this.#finishedAt = now
    this.#finishes = finishes
    if (this.#gone && !finished) this.#finish('client_left')
  }

  /** Adds only one listener, because not every backend stops sending at once. */
  #awaitDrain(reply: Reply): void {
    if (this.#draining) return
    this.#draining = true
    this.#pace.heldUp()
    reply.onDrain(() => {
      this.#draining = false
      this.#sent?.resume()
    })
  }

  #failed(detail: string): boolean {
    this.#finish('upstream_failed', detail)
    return true
  }

  #journal(now: number): void {
    if (now - this.#lastProgress < PROGRESS) return
    this.#lastProgress = now
    this.#parts.progress()
  }

  #write(out: Uint8Array, now: number): boolean {
    const { reply, open } = this.#parts
    if (!reply.headSent) open(this.#head)
    this.#lastOut = now
    return reply.write(out)
  }

  /** Gathers refusals and answers in one piece, up to their bounds. */
  #gather(chunk: Uint8Array): boolean {
    this.#size += chunk.length
    const answers = this.#head?.answers === true
    const most = answers ? WHOLE_MOST : REFUSAL_MOST
    if (this.#size <= most) this.#chunks.push(chunk)
    else if (answers) this.#finish('outgrown', 'an answer of more than 64 MB')
    return true
  }

  #onEnd(): void {
    const { meter } = this.#parts
    this.#upstreamEnded = true
    if (this.#ended) return
    if (this.#flowing) {
      this.#pass(meter.rest(), this.#parts.world.elapsed())
      const { done, finished } = meter.seen
      this.#finish(done || finished ? 'complete' : 'upstream_failed', 'ended without an end')
    } else if (this.#head?.answers !== true) {
      this.#finish('upstream_failed', `status ${this.#head?.status}`)
    } else this.#whole(Buffer.concat(this.#chunks))
  }

  #whole(body: Uint8Array): void {
    const { meter } = this.#parts
    const whole = meter.whole(body)
    if (whole === null) this.#finish('upstream_failed', 'nothing usable in a 200')
    else this.#finish(meter.seen.over ? 'cut' : 'complete', null, whole)
  }

  #tick(): void {
    const { timeouts, reply, world } = this.#parts
    const now = world.elapsed()
    const patient = this.#begun ? timeouts.idle : timeouts.firstByte
    const waitingForBuyer = reply.headSent && reply.backlog > 0
    if (this.#finishedAt !== null && now - this.#finishedAt >= USAGE_GRACE) {
      this.#finish('complete')
    } else if (!waitingForBuyer && now - this.#lastData >= patient) {
      this.#finish(this.#begun ? 'stalled' : 'upstream_failed', 'silent')
    } else this.#keepOpen(now)
  }

  #keepOpen(now: number): void {
    const { reply, streamed, open, meter } = this.#parts
    const maySpeak = streamed && (this.#head === null || this.#flowing !== false)
    if (!maySpeak || now - this.#lastOut < KEEP_ALIVE || reply.backlog > 0) return
    this.#lastOut = now
    const bytes = meter.keepAlive()
    if (bytes.length === 0) return
    if (!reply.headSent) open(this.#head)
    reply.write(bytes)
  }

  #finish(end: End, detail: string | null = null, whole: Uint8Array | null = null): void {
    if (this.#ended) return
    this.#ended = true
    this.#timer?.cancel()
    this.#letGo(end)
    this.#done({
      end,
      said: this.#refusal(),
      whole,
      head: this.#head,
      firstByteAt: this.#pace.first,
      madeMs: this.#pace.made(whole !== null, this.#parts.world.elapsed()),
      detail,
    })
  }

  /** A complete answer may end by itself, so that its connection can be used again. */
  #letGo(end: End): void {
    const abort = () => this.#upstreamEnded || this.#sent?.abort()
    if (end !== 'complete') abort()
    else this.#parts.world.after(USAGE_GRACE, abort, 'unref')
  }

  #refusal(): UpstreamSaid | null {
    if (this.#head === null || this.#head.answers) return null
    const { retryAfter, status } = this.#head
    return { status, body: Buffer.concat(this.#chunks), retryAfter }
  }
}
