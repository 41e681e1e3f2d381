import type { Counted } from './dialect.ts'
import type { JsonObject } from './json.ts'
import { choicesOf, indexOf, isFinished, saysNothing, textsOf } from './output.ts'
import type { Watched } from './shape.ts'
import { Tally } from './tally.ts'
import { isZero, outputOf, Reports, reportOf } from './usage.ts'
import { judge } from './verdict.ts'

/** Below so many bytes of text our own count is never looked at while a stream runs. */
const SLACK = 256

/** What flowed in one response, by the deltas, by our own count and by the backend's reports. */
export class Flow {
  readonly #watched: Watched
  readonly #tallies = new Map<number, Tally>()
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
  #deltas = 0
  #bytes = 0
  #countAt: number
  /** No output came since the last report. */
  #fresh = false

  constructor(watched: Watched) {
    this.#watched = watched
    this.#reports = new Reports(watched.asked.choices)
    this.#countAt = 8 * watched.granted.output + SLACK
  }

  /** What a chunk, or a whole answer, says: texts, ends, a report. */
  read(chunk: JsonObject): void {
    const { asked, prompts } = this.#watched
    const choices = choicesOf(chunk)
    for (const [place, choice] of choices.entries()) this.#choice(choice, indexOf(choice, place))
    const report = reportOf(chunk, asked.hasOutput)
    if (report === null) return
    const only = choices[0]
    const apart = choices.length !== 1 || only === undefined || saysNothing(only)
    this.#reports.add(report, apart ? null : indexOf(only, 0), this.#finished.size)
    if (isZero(report)) return
    this.#fresh = true
    const total = this.#reports.total(prompts)
    this.#raise(total === null ? 0 : (outputOf(total) ?? 0))
  }

  #choice(choice: JsonObject, index: number): void {
    const tally = this.tally(index)
    let size = 0
    for (const text of textsOf(choice)) {
      tally.addText(text)
      size += Buffer.byteLength(text)
    }
    if (size > 0) this.flowed(index, size)
    if (isFinished(choice)) this.finish(index)
  }

  /** A choice said that it ended. */
  finish(choice: number): void {
    this.#finished.add(choice)
    this.seen.finishes += 1
    this.seen.finished = this.#finished.size >= this.#watched.shown
  }

  /** The output of a choice, to add to. */
  tally(choice: number): Tally {
    const known = this.#tallies.get(choice)
    if (known !== undefined) return known
    const tally = new Tally(this.#watched.granted.count)
    this.#tallies.set(choice, tally)
    return tally
  }

  /** A choice said so many bytes of text, which are in its tally. One that had finished goes on. */
  flowed(choice: number, bytes: number): void {
    this.seen.output = true
    if (this.#finished.delete(choice)) this.seen.finished = false
    this.#fresh = false
    this.#bytes += bytes
    this.#deltas += 1
    this.#raise(this.#deltas)
    if (this.#bytes > this.#countAt && !this.seen.over) this.#recount()
  }

  #raise(floor: number): void {
    const { asked, granted } = this.#watched
    if (floor > this.seen.floor) this.seen.floor = floor
    if (asked.hasOutput && this.seen.floor > granted.output) this.seen.over = true
  }

  /** Four times what was granted, by our own count. A token is seldom less than two bytes. */
  #recount(): void {
    const left = 4 * this.#watched.granted.output - this.#tokens()
    if (left < 0) this.seen.over = true
    this.#countAt = this.#bytes + 2 * Math.max(0, left) + SLACK / 4
  }

  #tokens(): number {
    let tokens = 0
    for (const tally of this.#tallies.values()) tokens += tally.tokens()
    return tokens
  }

  /** The answer was read whole: nothing comes any more. */
  complete(): void {
    this.#fresh = true
    this.seen.finished = true
    this.seen.done = true
  }

  /** The choices that began and have no end yet; the first one where none began. */
  open(): readonly number[] {
    const begun = this.#tallies.size === 0 ? [0] : [...this.#tallies.keys()]
    return begun.filter((choice) => !this.#finished.has(choice))
  }

  /** Tokens to charge, from all that is known by now. */
  usage(promptEstimate: number): Counted {
    const { asked, granted, prompts } = this.#watched
    return judge({
      asked,
      granted,
      prompts,
      promptEstimate,
      report: this.#reports.total(prompts),
      single: this.#reports.single,
      fresh: this.#fresh,
      flowed: this.seen.output,
      ended: this.seen.done || this.seen.finished,
      counted: () => Math.max(this.#deltas, this.#tokens()),
    })
  }
}
