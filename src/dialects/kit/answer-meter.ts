import type { Msat } from '../../money/msat.ts'
import type { Quantities } from '../../money/quantities.ts'
import type { Counted, Meter, Problem, Seen } from '../dialect.ts'
import { DONE, EventData } from './event-data.ts'
import { isObject, type JsonObject } from './json.ts'
import { noteOf } from './note.ts'
import { Preamble } from './preamble.ts'
import type { ResponseUsage } from './response-usage.ts'
import type { Ending, Heard, Spelling } from './spelling.ts'
import { asBuffer, Frames, fieldsOf, MOST_EVENT } from './sse.ts'
import { readJson } from './tolerant-json.ts'

const NOTHING = Buffer.alloc(0)
const [LF, CR] = [0x0a, 0x0d]

/**
 * Watches one response of an API whose events, or lines, say by themselves what they are. Whole events
 * leave, and an unfinished one is held back, so that what the gate adds never lands inside an event.
 * What an event means is the dialect's (`Spelling`); OpenAI's chat has a faster meter of its own.
 */
export class AnswerMeter implements Meter {
  readonly #spelling: Spelling
  readonly #usage: ResponseUsage
  readonly #frames = new Frames()
  readonly #data = new EventData()
  readonly #preamble: Preamble
  /** The stream ended, failed or exceeded its grant: nothing more is read, and nothing leaves. */
  #ended = false
  /** The end of the stream was written. */
  #over = false
  /** The event that ends the stream, held back until the cost is known. */
  #last = ''
  /** The line ends that the bytes which left lack to end with a blank line. */
  #gap = ''
  /** The next blank line belongs to an event that was left out, or that the gate has ended. */
  #drops = false
  /** What may be shown of an event that was too much by itself. */
  #short = ''

  constructor(spelling: Spelling, usage: ResponseUsage) {
    this.#spelling = spelling
    this.#usage = usage
    this.#preamble = new Preamble(spelling.mostBefore)
  }

  get seen(): Seen {
    return this.#usage.seen
  }

  stream(chunk: Uint8Array): Uint8Array {
    if (this.#ended) return NOTHING
    const own = asBuffer(chunk)
    const bytes = this.#frames.join(own)
    const kept: Buffer[] = []
    let from = 0
    let since = 0
    while (from < bytes.length && !this.#ended) {
      const end = this.#end(bytes, from)
      if (end === -1) break
      const leaves = this.#leaves(bytes, from, end)
      if (this.#usage.seen.over) this.#ended = true
      if (!leaves) {
        kept.push(bytes.subarray(since, from))
        since = end
      }
      from = end
    }
    if (since === 0 && from === bytes.length && bytes === own) return this.#passed(chunk)
    kept.push(bytes.subarray(since, from))
    // What was joined is written over when the next chunk comes, so it is copied.
    const out = Buffer.concat(kept)
    this.#keep(bytes, from)
    return this.#passed(out)
  }

  #end(bytes: Buffer, from: number): number {
    if (this.#spelling.framing === 'events')
      return this.#frames.end(bytes, from, this.#data.isWhole)
    return bytes.indexOf(LF, from) + 1 || -1
  }

  #keep(bytes: Buffer, from: number): void {
    if (bytes.length - from > MOST_EVENT) this.#fail('an event of the upstream has no end')
    if (this.#ended) this.#frames.take()
    else this.#frames.keep(bytes, from)
  }

  /** What leaves, with the bytes in front of it that the gate's own bytes made necessary. */
  #passed(piece: Uint8Array): Uint8Array {
    if (piece.length === 0) return piece
    if (!this.#usage.begun) {
      if (!this.#preamble.hold(piece)) this.#fail('an answer of the upstream does not begin')
      return NOTHING
    }
    const out = this.#preamble.before(piece)
    this.#gap = this.#spelling.framing === 'events' ? gapAfter(out) : lineGapAfter(out)
    return out
  }

  #fail(text: string): void {
    this.#usage.seen.error ??= text
    this.#ended = true
  }

  /** Reads what stands between two places. Returns whether the client sees it. */
  #leaves(bytes: Buffer, from: number, to: number): boolean {
    const blank = bytes[from] === LF || bytes[from] === CR
    if (blank) {
      const drops = this.#drops
      this.#drops = false
      return !drops
    }
    const text = bytes.toString('utf8', from, to)
    const passes = this.#reads(text)
    this.#drops = !passes && !endsBlank(text)
    return passes
  }

  #reads(text: string): boolean {
    const events = this.#spelling.framing === 'events'
    const { data, error, failed, odd } = events ? fieldsOf(text) : lineOf(text)
    if (error !== null || odd) return this.#failed(error ?? 'a line of the upstream is no event')
    const said = data?.trim() ?? ''
    if (said === '') return true
    if (said.startsWith(DONE)) return this.#done('')
    const value = this.#data.take(said)
    if (value === null) return true
    if (!isObject(value)) return this.#failed('an event of the upstream cannot be read')
    const { floor } = this.#usage.seen
    this.#usage.next()
    const heard = this.#spelling.event(value, events ? nameOf(text) : null)
    if (typeof heard === 'object') return this.#failed(heard.failed)
    if (failed) return this.#failed('an event with the name error')
    return this.#hears(heard, value, { text, floor })
  }

  #hears(
    heard: Exclude<Heard, object>,
    value: JsonObject,
    { text, floor }: { readonly text: string; readonly floor: number },
  ): boolean {
    // Of an end that brings too much text, only the text that is granted leaves.
    const share = this.#usage.shareOfEvent(floor)
    if (share === null) return heard === 'ends' ? this.#done(text) : heard === 'passes'
    const short = this.#spelling.shortEvent(value, share)
    if (short !== null) this.#short = this.#written(short, text)
    return false
  }

  /** An event of the backend in its own spelling, with other data. */
  #written(value: JsonObject, text: string): string {
    const json = JSON.stringify(value)
    if (this.#spelling.framing === 'lines') return `${json}\n`
    const name = nameOf(text)
    return `${name === null ? '' : `event: ${name}\n`}data: ${json}\n\n`
  }

  #failed(why: string): false {
    this.#fail(why)
    return false
  }

  /** The stream has ended. The event that ends it is held back. */
  #done(text: string): false {
    this.#ended = true
    if (!this.#usage.begun) return this.#failed('the upstream ended without an answer')
    this.#last = text
    this.#usage.seen.done = true
    return false
  }

  rest(): Uint8Array {
    const rest = Buffer.from(this.#frames.take())
    if (this.#ended || rest.length === 0 || !this.#isReadable(rest.toString('utf8'))) return NOTHING
    const leaves = this.#leaves(rest, 0, rest.length)
    const out = leaves ? this.#passed(rest) : NOTHING
    this.#ended = true
    return out.length === 0 ? out : Buffer.concat([out, Buffer.from(this.#takeGap())])
  }

  /** Clients drop an incomplete event. If it stayed, it would spoil the end that follows it. */
  #isReadable(text: string): boolean {
    const data = this.#spelling.framing === 'events' ? fieldsOf(text).data : text
    return data === null || data.startsWith(DONE) || readJson(data) !== undefined
  }

  whole(body: Uint8Array): Uint8Array | null {
    const answer = readJson(asBuffer(body).toString('utf8'))
    if (!isObject(answer)) return null
    this.#usage.inOnePiece()
    this.#usage.next()
    if (!this.#spelling.whole(answer)) return null
    this.#usage.complete()
    const share = this.#usage.share()
    if (share === null) return body
    return Buffer.from(JSON.stringify(this.#spelling.shorten(answer, share)))
  }

  asStream(whole: Uint8Array, cost: Msat | null = null): Uint8Array {
    const answer = readJson(asBuffer(whole).toString('utf8'))
    return this.#write(this.#spelling.asStream(isObject(answer) ? answer : {}), cost)
  }

  finish(cost: Msat | null = null): Uint8Array {
    this.#close()
    const { done, finished } = this.seen
    if (done) return this.#lastOf(cost)
    return this.#write(finished ? this.#spelling.end() : { before: '', last: '' }, cost)
  }

  /** The end that the backend wrote. After `[DONE]` alone, the one that the dialect writes. */
  #lastOf(cost: Msat | null): Buffer {
    const last = this.#last
    if (last === '') return this.#write(this.#spelling.end(), cost)
    const gap = this.#spelling.framing === 'lines' ? lineGapAfter : gapAfter
    return this.#write({ before: '', last: last + gap(Buffer.from(last)) }, cost)
  }

  keepAlive(): Uint8Array {
    if (this.#ended) return NOTHING
    const bytes = this.#spelling.keepAlive()
    if (bytes === '') return NOTHING
    // The gate ends what is open, so the backend's own blank line would be an empty event.
    if (this.#gap !== '') this.#drops = true
    return Buffer.from(this.#takeGap() + bytes)
  }

  cut(cost: Msat | null = null): Uint8Array {
    this.#close()
    if (this.seen.done) return this.#lastOf(cost)
    const { before, last } = this.#spelling.cut()
    return this.#write({ before: this.#short + before, last }, cost)
  }

  broken(problem: Pick<Problem, 'code' | 'message'>, cost: Msat | null = null): Uint8Array {
    this.#close()
    if (this.seen.done) return this.#lastOf(cost)
    return this.#write(this.#spelling.broken(problem), cost)
  }

  /** Writes the end of the stream, once. */
  #write({ before, last }: Ending, cost: Msat | null): Buffer {
    if (this.#over) return NOTHING
    this.#over = true
    const gap = this.#takeGap()
    if (this.#spelling.framing === 'lines') return Buffer.from(gap + withCost(before + last, cost))
    const note = noteOf(cost)
    return Buffer.from(`${gap}${before}${note === null ? '' : `: ${note}\n`}${last}`)
  }

  #takeGap(): string {
    const gap = this.#gap
    this.#gap = ''
    return gap
  }

  #close(): void {
    this.#frames.take()
    this.#ended = true
  }

  sofar(prompt: number): Quantities {
    return { input: prompt, output: this.#usage.sofar() }
  }

  usage(promptEstimate: number): Counted {
    return this.#usage.usage(promptEstimate)
  }
}

/** The name of an event; null if it has none. */
const nameOf = (event: string): string | null =>
  /(?:^|\n|\r)\uFEFF?event: ?([^\r\n]*)/.exec(event)?.[1]?.trim() ?? null

const lineOf = (line: string) => ({ data: line, error: null, failed: false, odd: false })

const endsBlank = (event: string): boolean => /(?:\n|\r\n|\r)(?:\n|\r\n|\r)$/.test(event)

/** What bytes lack to end with a blank line. */
function gapAfter(out: Uint8Array): string {
  const text = Buffer.from(out.subarray(-4)).toString('latin1')
  if (/^[\r\n]+$/.test(text) || endsBlank(text)) return ''
  return /[\r\n]$/.test(text) ? '\n' : '\n\n'
}

const lineGapAfter = (out: Uint8Array): string => (out.at(-1) === LF ? '' : '\n')

/** Lines have no comments, so the last line tells the cost in a member of its own. */
function withCost(lines: string, cost: Msat | null): string {
  const at = lines.lastIndexOf('}')
  if (cost === null || at === -1) return lines
  return `${lines.slice(0, at)},"cost_msat":${cost}${lines.slice(at)}`
}
