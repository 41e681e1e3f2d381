import type { Asked, Counted, Granted } from '../dialect.ts'
import { OutputCounter } from './output-counter.ts'
import type { Said } from './response-text.ts'
import type { Share } from './text-left.ts'
import { isZero, outputOf, type Report, Reports } from './usage-report.ts'
import { trusted } from './usage-trust.ts'

/** The answer whose usage is counted. */
export interface Answered {
  readonly asked: Asked
  readonly granted: Granted
  readonly prompts: number
  /** The number of choices in the answer; the backend makes `asked.choices`. */
  readonly shown: number
}

/** While a stream has fewer bytes of text than this, our own count is not made. */
const SLACK = 256

/** If our own count is so many times the grant, it is too much in every vocabulary (K3). */
const CUT_AT = 4
/**
 * An event with more bytes of text than `BURST` for each granted token and `BURST_SLACK` is a
 * burst.
 */
const BURST = 64
const BURST_SLACK = 1_024
/** Up to so many bytes of a whole answer are counted again to find where it is cut. */
const MOST_COUNTED = 16 * 1024
/** Bytes of a token in an estimate that needs no tokenizer. */
const TOKEN_BYTES = 4
/** The most bytes that a token of text, or of sealed thinking, usually has. */
const MOST_BYTES = 8
/** Bytes of sealed thinking that are no thinking. */
const SEAL = 1_024

/**
 * How much one response has used, by our own count and by the backend's reports. A dialect reads its
 * events and says what stood in them: `next`, then `says`, `others`, `finish` and `reports`. An API
 * whose answers have no choices uses choice 0 alone.
 */
export class ResponseUsage {
  readonly #watched: Answered
  readonly #counters = new Map<number, OutputCounter>()
  readonly #finished = new Set<number>()
  readonly #reports: Reports
  readonly seen = {
    output: false,
    finished: false,
    finishes: 0,
    done: false,
    over: false,
    error: null as string | null,
    floor: 0,
  }
  /** Counts strings under unknown keys. Null until one comes. */
  #unknown: OutputCounter | null = null
  /** The answer comes in one piece. */
  #whole = false
  /** Choices that have sent deltas. */
  readonly #spoke: boolean[] = []
  /** Bytes of the texts of all choices. */
  #bytes = 0
  /** The same before the last event. */
  #before = 0
  #countAt: number
  /** Output tokens by our own count, and the bytes that came after that count. */
  #known = { tokens: 0, behind: 0 }
  /** The reported output at the time of our last count. */
  #ran = 0
  /** No output came since the last report. */
  #fresh = false
  /** Tokens of sealed thinking, at the least. */
  #sealed = 0

  constructor(watched: Answered) {
    this.#watched = watched
    this.#reports = new Reports(watched.asked.choices)
    this.#countAt = 8 * watched.granted.output + SLACK
  }

  /** Some chunk had a choice, so the stream is an answer. */
  get begun(): boolean {
    return this.#counters.size > 0
  }

  /** The answer comes in one piece. Its texts are counted only if it is needed. */
  inOnePiece(): void {
    this.#whole = true
  }

  /** Something else follows: an event, or the whole answer. */
  next(): void {
    this.#before = this.#bytes
  }

  /** The strings of one choice. `delta`: they are a piece of it. */
  says(index: number, said: Said, delta: boolean): void {
    if (delta && said.texts.length > 0) this.#spoke[index] = true
    const counter = this.counter(index)
    let size = 0
    for (const text of said.texts) size += counter.addText(text)
    if (said.again !== '') size += counter.addAgain(said.again, said.texts.length > 0)
    this.others(said.others)
    if (size > 0 || said.others.length > 0) this.flowed(index, size)
  }

  /** Strings that belong to no choice, or that nobody knows. They are charged and never cut. */
  others(texts: readonly string[]): void {
    if (texts.length === 0) return
    let size = 0
    this.#unknown ??= this.#newCounter()
    for (const text of texts) size += this.#unknown.addText(text)
    this.#estimate(size)
  }

  /**
   * Thinking came that a client cannot read, and can send back in its next request. Nothing is cut for
   * it, and a report tells more. It counts if the client leaves before there is one: whoever has the
   * sealed thinking has bought it (threats J16).
   */
  sealed(bytes: number): void {
    this.#sealed += Math.max(0, Math.floor((bytes - SEAL) / MOST_BYTES))
    this.#fresh = false
  }

  /** A usage that the backend reported. `choice`: it is of that choice alone. */
  reports(report: Report, choice: number | null): void {
    this.#reports.add(report, choice, this.#finished.size)
    if (isZero(report)) return
    this.#fresh = true
    const running = this.#running()
    if (running > this.seen.floor) this.seen.floor = running
    const { asked, granted } = this.#watched
    if (asked.hasOutput && running > granted.output && !this.seen.finished) this.seen.over = true
  }

  /**
   * Output tokens for the journal, which is what a crash charges: what the backend reported, else a
   * figure that is not above what was delivered. Each piece of text has a token or more, and a token
   * seldom has more than eight bytes.
   */
  sofar(): number {
    let pieces = 0
    for (const counter of this.#counters.values()) pieces += counter.pieces
    const fewest = Math.max(pieces, Math.ceil(this.#bytes / MOST_BYTES))
    const ours = Math.min(this.seen.floor, fewest, this.#watched.granted.output)
    return Math.max(ours, this.#running())
  }

  #running(): number {
    const total = this.#reports.total(this.#watched.prompts)
    return total === null ? 0 : (outputOf(total) ?? 0)
  }

  /** A choice has ended. */
  finish(choice: number): void {
    this.#finished.add(choice)
    this.seen.finishes += 1
    this.seen.finished = this.#finished.size >= this.#watched.shown
  }

  /** The choice has sent deltas. */
  spoke(choice: number): boolean {
    return this.#spoke[choice] === true
  }

  /** The counter of a choice. */
  counter(choice: number): OutputCounter {
    const known = this.#counters.get(choice)
    if (known !== undefined) return known
    const counter = this.#newCounter()
    this.#counters.set(choice, counter)
    this.seen.output ||= this.#known.behind > 0
    return counter
  }

  #newCounter(): OutputCounter {
    const { count, output } = this.#watched.granted
    const counter = new OutputCounter(count, CUT_AT * output)
    if (this.#whole) counter.countLater()
    return counter
  }

  /** A choice sent so many bytes of text, which its counter has. If it had finished, it goes on. */
  flowed(choice: number, bytes: number): void {
    if (this.#finished.delete(choice)) this.seen.finished = false
    this.#bytes += bytes
    this.#estimate(bytes)
    // `share` decides whether a whole answer is too much.
    if (this.#bytes > this.#countAt && !this.seen.over && !this.#whole) this.#recount()
  }

  #estimate(bytes: number): void {
    // Bytes before the first choice do not leave, so they are no output yet.
    this.seen.output ||= this.begun
    this.#fresh = false
    this.#known.behind += bytes
    const floor = this.#known.tokens + Math.ceil(this.#known.behind / TOKEN_BYTES)
    if (floor > this.seen.floor) this.seen.floor = floor
  }

  /**
   * Cuts the stream if our own count is four times the grant, unless the backend keeps reporting
   * how many tokens it has made (K4). A token seldom has less than two bytes, so the next count can
   * wait.
   */
  #recount(): void {
    const { asked, granted } = this.#watched
    const tokens = this.#tokens()
    this.#known = { tokens: tokens + this.#unknownTokens(), behind: 0 }
    const left = CUT_AT * granted.output - tokens
    const running = this.#running()
    if (left < 0 && running <= this.#ran) this.seen.over = asked.hasOutput
    this.#ran = running
    this.#countAt = this.#bytes + (left < 0 ? this.#bytes / 4 : 2 * left) + SLACK / 4
  }

  #unknownTokens(): number {
    return this.#unknown === null ? 0 : this.#unknown.tokens()
  }

  #tokens(): number {
    let tokens = 0
    for (const counter of this.#counters.values()) tokens += counter.tokens()
    return tokens
  }

  /** The answer was read in one piece. Nothing follows. */
  complete(): void {
    this.#fresh = true
    this.seen.finished = true
    this.seen.done = true
  }

  /**
   * How much of a whole answer may be shown. Null if all of it may. It exceeds the grant if the
   * backend says so and our own count exceeds it too, or if our own count is four times the grant
   * (J8). The count is made only if the number of bytes does not decide.
   */
  share(): Share | null {
    const { asked, granted, shown } = this.#watched
    const { output, limit, count } = granted
    const reported = this.#running()
    const least = reported > output ? output : 4 * output
    const own = asked.hasOutput && this.#bytes > least ? this.#tokens() : 0
    this.seen.over = own > least
    if (own <= least) return null
    if (reported <= output && this.#bytes <= MOST_COUNTED) return { tokens: limit, output, count }
    // In bytes, because a long text is not counted to its end: in proportion to the reported
    // tokens,
    // or the usual bytes of so many tokens.
    const part = Math.floor((this.#bytes * output) / reported / shown)
    const bytes = reported > output ? part : limit * TOKEN_BYTES
    return { tokens: bytes, output, count: Buffer.byteLength }
  }

  /** So many bytes of text in one event are many times the grant in every vocabulary. */
  isTooMuch(bytes: number): boolean {
    return bytes > BURST * this.#watched.granted.output + BURST_SLACK
  }

  /**
   * How much of the last event may be shown. Null if all of it may. A backend that ignores its
   * limit may send everything in one event (J8). In bytes, because nothing more is counted.
   * @param floor the output tokens before the event
   */
  shareOfEvent(floor: number): Share | null {
    const { output } = this.#watched.granted
    if (!this.seen.over || !this.isTooMuch(this.#bytes - this.#before)) return null
    const tokens = Math.max(0, CUT_AT * output - floor) * TOKEN_BYTES
    return { tokens, output, count: Buffer.byteLength }
  }

  /** The choices that have begun and not ended. If none has begun, the first one. */
  open(): readonly number[] {
    const begun = this.#counters.size === 0 ? [0] : [...this.#counters.keys()]
    return begun.filter((choice) => !this.#finished.has(choice))
  }

  /** The tokens to charge by what is known now. */
  usage(promptEstimate: number): Counted {
    const { asked, granted, prompts } = this.#watched
    return trusted({
      asked,
      granted,
      prompts,
      promptEstimate,
      report: this.#reports.total(prompts),
      single: this.#reports.single,
      // If our own count exceeded the grant, a report of few tokens is not believed.
      fresh: this.#fresh && !this.seen.over,
      flowed: this.seen.output,
      ended: this.seen.done || this.seen.finished,
      counted: () =>
        this.#tokens() + this.#unknownTokens() + (this.seen.finished ? 0 : this.#sealed),
    })
  }
}
