import type { Msat } from '../../money/msat.ts'
import type { Quantities } from '../../money/quantities.ts'
import type { Counted, Meter, Problem, Seen } from '../dialect.ts'
import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { noteOf } from '../kit/note.ts'
import { Preamble } from '../kit/preamble.ts'
import { ResponseUsage } from '../kit/response-usage.ts'
import { asBuffer, Frames, MOST_EVENT } from '../kit/sse.ts'
import type { Span } from '../kit/strip-usage.ts'
import { readJson } from '../kit/tolerant-json.ts'
import { addedUsage } from './added-usage.ts'
import { asChunk } from './as-chunk.ts'
import { choicesOf, indexOf } from './choices.ts'
import type { Watched } from './endpoint.ts'
import { errorInStream } from './errors.ts'
import { type Chunk, readEvent, wholeOf } from './event.ts'
import { failureOf } from './failure.ts'
import { FastPath } from './fast-path.ts'
import { OwnBytes } from './own-bytes.ts'
import { readChunk } from './read-chunk.ts'
import { shorten } from './shorten.ts'
import { usageSoFar } from './usage-so-far.ts'

const NOTHING = Buffer.alloc(0)
const [LF, CR] = [0x0a, 0x0d]
/** After so many fast paths in a row that never matched, no more are tried: every event differs. */
const MOST_MISSES = 8

/**
 * Watches one response of an OpenAI API. Whole events leave, and an unfinished one is held back, so
 * that what the gate adds (`cut`, `broken`, a comment) never lands inside an event.
 */
export class OpenAiMeter implements Meter {
  readonly #watched: Watched
  readonly #frames = new Frames()
  readonly #response: ResponseUsage
  readonly #own: OwnBytes
  #fast: FastPath | null = null
  #misses = 0
  /** The line of data that `#isWhole` took for a whole event. */
  #line: JsonObject | null = null
  /** The bytes that left end with a line that is not blank. */
  #open = false
  /** The next blank line belongs to an event that was left out, or that the gate has ended. */
  #drops = false
  readonly #preamble = new Preamble()
  /** The stream ended, failed or exceeded its grant: nothing more is read, and nothing leaves. */
  #ended = false
  /** The shortened choices of an event that exceeded the grant by itself. */
  #short: Json | null = null
  /** `[DONE]`, held back until the cost is known. */
  #last: Buffer = NOTHING

  constructor(watched: Watched) {
    this.#watched = watched
    this.#response = new ResponseUsage(watched)
    this.#own = new OwnBytes(watched.endpoint, watched.asked.model ?? '')
  }

  get seen(): Seen {
    return this.#response.seen
  }

  stream(chunk: Uint8Array): Uint8Array {
    if (this.#ended) return NOTHING
    const own = asBuffer(chunk)
    const bytes = this.#frames.join(own)
    const pieces: Buffer[] = []
    let kept = 0
    let from = 0
    while (from < bytes.length && !this.#ended) {
      const known = this.#match(bytes, from)
      const end = known === -1 ? this.#frames.end(bytes, from, this.#isWhole) : known
      if (end === -1) break
      const cut = known === -1 ? this.#next(bytes, from, end) : this.#fast?.cutOf(from)
      if (this.#response.seen.over) this.#ended = true
      from = end
      if (!cut) continue
      if (cut.from > kept) pieces.push(bytes.subarray(kept, cut.from))
      kept = cut.to
    }
    if (kept === 0 && from === bytes.length && bytes === own) return this.#passed(chunk)
    if (from > kept) pieces.push(bytes.subarray(kept, from))
    // What was joined is written over when the next chunk comes, so it is copied.
    const [only = NOTHING, ...more] = pieces
    const out = more.length === 0 && bytes === own ? only : Buffer.concat(pieces)
    this.#keep(bytes, from)
    return this.#passed(out)
  }

  /** What leaves, with the bytes in front of it that the gate's own bytes made necessary. */
  #passed(piece: Uint8Array): Uint8Array {
    if (piece.length === 0) return piece
    if (!this.#response.begun) {
      if (!this.#preamble.hold(piece)) this.#fail('an answer of the upstream does not begin')
      return NOTHING
    }
    const out = this.#preamble.before(piece)
    const before = this.#own.passes(out)
    return before === '' ? out : Buffer.concat([Buffer.from(before), out])
  }

  #keep(bytes: Buffer, from: number): void {
    if (bytes.length - from > MOST_EVENT) this.#fail('an event of the upstream has no end')
    if (this.#ended) this.#frames.take()
    else this.#frames.keep(bytes, from)
  }

  #fail(text: string): void {
    this.#response.seen.error ??= text
    this.#ended = true
  }

  /** Counts an ordinary event on the fast path. Returns its end, or -1 if it is not ordinary. */
  #match(bytes: Buffer, start: number): number {
    const template = this.#fast
    if (template === null || template.spoke !== this.#response.spoke(template.choice)) return -1
    const end = template.match(bytes, start)
    if (end === -1) return -1
    const { choice, from, to, finishes } = template
    // The event may have to be shortened, so it is parsed.
    if (this.#response.isTooMuch(to - from)) return -1
    const counter = this.#response.counter(choice)
    const plain = counter.plain && template.isPlain(bytes)
    const size = plain ? counter.addBytes(bytes, from, to) : counter.addText(template.text(bytes))
    if (size > 0) this.#response.flowed(choice, size)
    if (finishes) this.#response.finish(choice)
    this.#frames.forget()
    this.#misses = 0
    this.#drops = false
    this.#open = bytes[end] !== LF
    return this.#open ? end : end + 1
  }

  readonly #isWhole = (line: Buffer): boolean => {
    const whole = wholeOf(line.toString('utf8'))
    this.#line = isObject(whole) ? whole : null
    return whole !== null
  }

  /** Reads what `Frames` found. Returns the part that the client does not see. */
  #next(bytes: Buffer, from: number, to: number): Span | null {
    const blank = bytes[from] === LF || bytes[from] === CR
    const byLine = this.#line !== null
    const drops = this.#drops && !this.#open
    this.#drops = false
    if (blank && drops) return { from, to }
    const cut = blank ? null : this.#event(bytes, from, to)
    this.#line = null
    if (cut === null || cut.from > from || cut.to < to) this.#open = byLine
    else this.#drops = byLine
    return cut
  }

  /** Parses an event. Returns the part that the client does not see. */
  #event(bytes: Buffer, from: number, to: number): Span | null {
    const text = bytes.toString('utf8', from, to)
    const event = readEvent(text, this.#line)
    if (event.is === 'nothing') return null
    if (event.is === 'chunk') {
      const cut = this.#chunk(event, text, bytes.subarray(from, to))
      return cut === null ? null : { from: cut.from + from, to: cut.to + from }
    }
    if (event.is === 'unreadable') this.#fail(event.why)
    else this.#done(event.exact ? bytes.subarray(from, to) : Buffer.from(this.#own.done()))
    return { from, to }
  }

  #done(event: Buffer): void {
    this.#ended = true
    if (!this.#response.begun) {
      this.#fail('the upstream ended without an answer')
      return
    }
    this.#last = Buffer.from(event)
    this.#response.seen.done = true
  }

  #chunk({ chunk, failed }: Chunk, text: string, event: Buffer): Span | null {
    const failure = failureOf(chunk) ?? (failed ? 'an event with the name error' : null)
    if (failure === null) this.#own.learn(chunk, text)
    const { floor } = this.#response.seen
    if (failure !== null || !readChunk(this.#response, chunk, this.#watched.asked.hasOutput)) {
      this.#fail(failure ?? 'an event of the upstream is nested too deeply')
      return { from: 0, to: event.length }
    }
    const share = this.#response.shareOfEvent(floor)
    if (share !== null) {
      this.#short = shorten(chunk, share).choices ?? null
      return { from: 0, to: event.length }
    }
    const cut = addedUsage(this.#watched, chunk, event)
    this.#learn(chunk, event, cut)
    return cut
  }

  #learn(chunk: JsonObject, event: Buffer, cut: Span | null): void {
    const [only] = choicesOf(chunk)
    if (only === undefined || this.#misses > MOST_MISSES) return
    const choice = indexOf(only, 0)
    const template = FastPath.of(event, chunk, { choice, spoke: this.#response.spoke(choice) })
    if (template === null) return
    this.#misses += 1
    if (cut !== null) template.cut(cut.from, cut.to)
    this.#fast = template
  }

  whole(body: Uint8Array): Uint8Array | null {
    const answer = readJson(asBuffer(body).toString('utf8'))
    if (!isObject(answer) || failureOf(answer) !== null) return null
    const { hasOutput } = this.#watched.asked
    const list = hasOutput ? choicesOf(answer) : answer.data
    if (!Array.isArray(list) || list.length === 0) return null
    this.#response.inOnePiece()
    if (!readChunk(this.#response, answer, hasOutput)) return null
    if (!hasOutput) this.#response.seen.output = true
    this.#response.complete()
    const share = this.#response.share()
    return share === null ? body : Buffer.from(JSON.stringify(shorten(answer, share)))
  }

  asStream(whole: Uint8Array, cost: Msat | null = null): Uint8Array {
    const { asked, endpoint } = this.#watched
    const own = this.#own
    const chunk = asChunk(whole, endpoint, asked.wantsUsage) ?? {}
    own.learn(chunk, '')
    return Buffer.from(own.event(chunk) + own.end(own.done(), noteOf(cost)))
  }

  rest(): Uint8Array {
    const rest = Buffer.from(this.#frames.take())
    if (this.#ended) return NOTHING
    const out = rest.length === 0 ? NOTHING : this.#passed(this.#unfinished(rest))
    this.#ended = true
    return Buffer.concat([out, Buffer.from(this.#own.end('', null))])
  }

  /** An event without its blank line, as the client may see it. */
  #unfinished(rest: Buffer): Buffer {
    // Clients drop an incomplete event. If it stayed, it would spoil the error that follows it.
    if (readEvent(rest.toString('utf8')).is === 'unreadable') return NOTHING
    const cut = this.#next(rest, 0, rest.length)
    return cut === null ? rest : Buffer.concat([rest.subarray(0, cut.from), rest.subarray(cut.to)])
  }

  finish(cost: Msat | null = null): Uint8Array {
    this.#close()
    return this.#end(cost)
  }

  #end(cost: Msat | null): Buffer {
    const last = this.#last
    this.#last = NOTHING
    return Buffer.from(this.#own.end(last.toString('utf8'), noteOf(cost)))
  }

  keepAlive(): Uint8Array {
    if (this.#ended) return NOTHING
    const bytes = this.#own.keepAlive(this.#response.open()[0])
    // The keep-alive ended what was open, so the backend's own blank line would be an empty event.
    this.#drops ||= this.#open
    this.#open = false
    return Buffer.from(bytes)
  }

  cut(cost: Msat | null = null): Uint8Array {
    this.#close()
    if (this.seen.done) return this.#end(cost)
    const { asked, endpoint } = this.#watched
    const parts: JsonObject[] = this.#short === null ? [] : [{ choices: this.#short }]
    for (const index of this.#response.open()) parts.push({ choices: [endpoint.last(index)] })
    if (asked.wantsUsage) parts.push({ choices: [], usage: usageSoFar(this, this.#watched) })
    const own = this.#own
    return Buffer.from(own.chunks(parts) + own.end(own.done(), noteOf(cost)))
  }

  broken(problem: Pick<Problem, 'code' | 'message'>, cost: Msat | null = null): Uint8Array {
    this.#close()
    if (this.seen.done) return this.#end(cost)
    const own = this.#own
    return Buffer.from(own.event(errorInStream(problem)) + own.end('', noteOf(cost)))
  }

  #close(): void {
    this.#frames.take()
    this.#ended = true
  }

  sofar(prompt: number): Quantities {
    return { input: prompt, output: this.#response.sofar() }
  }

  usage(promptEstimate: number): Counted {
    return this.#response.usage(promptEstimate)
  }
}
