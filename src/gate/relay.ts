import type { Sweep, Swept } from '../floor/sweep.ts'
import type { World } from '../floor/world.ts'
import { type AnswerHead, headOf } from './answer-head.ts'
import type { End } from './outcome.ts'
import { Pace } from './pace.ts'
import type { Reply, Sent, Upstream, UpstreamListener, UpstreamRequest } from './ports.ts'
import type { RelayOwner, Timeouts } from './relay-owner.ts'
import type { UpstreamSaid } from './upstream-words.ts'

/** What all relays of a gate share. */
export interface RelayParts {
  readonly timeouts: Timeouts
  readonly world: World
  readonly sweep: Sweep<Relay>
}

/** ms of silence after which the gate sends bytes of its own to keep the stream open. */
const KEEP_ALIVE = 10_000
/** ms that the relay waits for the usage when every choice has ended. */
const USAGE_GRACE = 2_000
const PROGRESS = 1_000
/** ms until a relay is looked at again that waits for its buyer to read. */
const READING = 500
/** The most bytes of an answer in one piece, and of a refusal (`docs/failure.md`). */
const WHOLE_MOST = 64 * 1024 * 1024
const REFUSAL_MOST = 64 * 1024
/** All that is kept of an error in a stream, because its text may repeat a prompt. */
const ERROR_EVENT = 'error event'
const UNUSABLE = 'nothing usable in a 200'

/**
 * Passes bytes from the backend to the buyer, shows them to the meter, and says once how it ended.
 * A stream flows as it comes; if the buyer reads slowly, the backend is held back. Everything else
 * is gathered and delivered in one piece.
 */
export class Relay implements Swept, UpstreamListener {
  seat = -1
  /** When it is looked at next: never later than the first of its limits of time. */
  due: number
  readonly #parts: RelayParts
  readonly #owner: RelayOwner
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

  constructor(parts: RelayParts, owner: RelayOwner) {
    this.#parts = parts
    this.#owner = owner
    const now = parts.world.elapsed()
    this.#lastData = now
    this.#pace = new Pace(now)
    this.#lastOut = now
    this.#lastProgress = now
    this.due = now + Math.min(parts.timeouts.firstByte, KEEP_ALIVE)
  }

  /** Sends the request. */
  start(upstream: Upstream, request: UpstreamRequest): void {
    this.#sent = upstream.send(request, this)
    if (this.#ended) this.#sent.abort()
    else {
      this.#parts.sweep.add(this)
      this.#owner.reply.onGone(() => this.#left())
    }
  }

  /** A buyer who leaves after the answer's end got all of it, so its usage is awaited (J15). */
  #left(): void {
    this.#gone = this.#owner.meter.seen.finished
    if (!this.#gone) this.#finish('client_left')
    else this.#sent?.resume()
  }

  /** Ends the exchange because the gate stops. The money is given back. */
  stop(): void {
    this.#finish('stopped')
  }

  onHead(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void {
    const { streamed, wire } = this.#owner
    this.#head = headOf(wire, status, headers)
    const { answers } = this.#head
    if (answers) this.#owner.answered()
    this.#flowing = answers && status === 200 && streamed ? null : false
  }

  /** Asks the dialect whether it is a stream (K18). Returns the bytes to go on with. */
  #begin(chunk: Uint8Array): Uint8Array {
    const first = this.#chunks.length === 0 ? chunk : Buffer.concat([...this.#chunks, chunk])
    this.#flowing = this.#owner.wire.isStream(this.#head?.label ?? null, first)
    if (!this.#flowing) return chunk
    this.#chunks = []
    this.#size = 0
    return first
  }

  onData(chunk: Uint8Array): boolean {
    if (this.#ended) return true
    const now = this.#parts.world.elapsed()
    this.#lastData = now
    if (!this.#begun) this.#dueBy(now + this.#parts.timeouts.idle)
    this.#begun = true
    const bytes = this.#flowing === null ? this.#begin(chunk) : chunk
    if (!this.#flowing) return this.#gather(bytes)
    return this.#pass(this.#owner.meter.stream(bytes), now)
  }

  /** Writes what the meter lets through, then acts on what the meter has seen. */
  #pass(out: Uint8Array, now: number): boolean {
    const { meter, reply } = this.#owner
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
    const { finished, finishes } = this.#owner.meter.seen
    if (!finished) this.#finishedAt = null
    else if (finishes !== this.#finishes) {
      this.#finishedAt = now
      this.#dueBy(now + USAGE_GRACE)
    }
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
    this.#owner.progress()
  }

  #write(out: Uint8Array, now: number): boolean {
    const { reply } = this.#owner
    if (!reply.headSent) this.#owner.open(this.#head)
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

  onEnd(): void {
    this.#upstreamEnded = true
    const { meter } = this.#owner
    if (this.#ended) this.#parts.sweep.delete(this)
    else if (this.#flowing) {
      this.#pass(meter.rest(), this.#parts.world.elapsed())
      const { done, finished } = meter.seen
      this.#finish(done || finished ? 'complete' : 'upstream_failed', 'ended without an end')
    } else if (this.#head?.answers !== true) {
      this.#finish('upstream_failed', `status ${this.#head?.status}`)
    } else this.#whole(joined(this.#chunks))
  }

  onError(kind: 'unreachable' | 'broken'): void {
    this.#upstreamEnded = true
    if (this.#ended) this.#parts.sweep.delete(this)
    else this.#finish('upstream_failed', kind)
  }

  onReleased(): void {
    this.#owner.released()
  }

  #whole(body: Uint8Array): void {
    const { meter } = this.#owner
    const whole = meter.whole(body)
    if (whole === null) this.#finish('upstream_failed', UNUSABLE)
    else this.#finish(meter.seen.over ? 'cut' : 'complete', null, whole)
  }

  #dueBy(at: number): void {
    this.due = Math.min(this.due, at)
  }

  onDue(now: number): void {
    const { idle, firstByte } = this.#parts.timeouts
    const waits = this.#waitsForBuyer()
    // An answer that was complete may end by itself, so that its connection can be used again.
    if (this.#ended) this.#cut()
    else if (this.#finishedAt !== null && now - this.#finishedAt >= USAGE_GRACE) {
      this.#finish('complete')
    } else if (!waits && now - this.#lastData >= (this.#begun ? idle : firstByte)) {
      this.#finish(this.#begun ? 'stalled' : 'upstream_failed', 'silent')
    } else this.#wait(now, waits)
  }

  #waitsForBuyer(): boolean {
    const { reply } = this.#owner
    return reply.headSent && reply.backlog > 0
  }

  /** Keeps the answer open if it is time, and finds out when it is looked at next. */
  #wait(now: number, forBuyer: boolean): void {
    const { idle, firstByte } = this.#parts.timeouts
    this.due = forBuyer ? now + READING : this.#lastData + (this.#begun ? idle : firstByte)
    if (!forBuyer && this.#speaks()) {
      this.#keepOpen(now)
      this.#dueBy(this.#lastOut + KEEP_ALIVE)
    }
    if (this.#finishedAt !== null) this.#dueBy(this.#finishedAt + USAGE_GRACE)
  }

  /** Whether the gate may keep the answer open with bytes of its own. */
  #speaks(): boolean {
    return this.#owner.streamed && (this.#head === null || this.#flowing !== false)
  }

  #keepOpen(now: number): void {
    if (now - this.#lastOut < KEEP_ALIVE) return
    const { reply, meter } = this.#owner
    this.#lastOut = now
    const bytes = meter.keepAlive()
    if (bytes.length === 0) return
    if (!reply.headSent) this.#owner.open(this.#head)
    reply.write(bytes)
  }

  #finish(end: End, detail: string | null = null, whole: Uint8Array | null = null): void {
    if (this.#ended) return
    this.#ended = true
    const now = this.#parts.world.elapsed()
    if (end !== 'complete' || this.#upstreamEnded) this.#cut()
    else this.due = now + USAGE_GRACE
    this.#owner.ended({
      end,
      said: this.#refusal(detail === UNUSABLE),
      whole,
      head: this.#head,
      firstByteAt: this.#pace.first,
      madeMs: this.#pace.made(whole !== null, now),
      detail,
    })
  }

  /** Ends what the backend still does, and leaves the sweep. */
  #cut(): void {
    this.#parts.sweep.delete(this)
    if (!this.#upstreamEnded) this.#sent?.abort()
  }

  #refusal(unusable: boolean): UpstreamSaid | null {
    if (this.#head === null || (this.#head.answers && !unusable)) return null
    const { retryAfter, status } = this.#head
    return { status, body: joined(this.#chunks).subarray(0, REFUSAL_MOST), retryAfter }
  }
}

const joined = (chunks: readonly Uint8Array[]): Uint8Array =>
  chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
