import type { Asked, Granted, Meter, Problem } from '../dialect.ts'
import { AnswerMeter } from '../kit/answer-meter.ts'
import type { Json, JsonObject } from '../kit/json.ts'
import { ResponseUsage } from '../kit/response-usage.ts'
import type { Ending, Heard, Spelling } from '../kit/spelling.ts'
import { type Share, TextLeft } from '../kit/text-left.ts'
import { countIn } from '../kit/usage-report.ts'
import { type Place, saidIn } from './said.ts'

/** A meter for an answer whose text stands at this place. */
export const answerMeter =
  (place: Place) =>
  (asked: Asked, granted: Granted, request: JsonObject): Meter => {
    const usage = new ResponseUsage({ asked, granted, prompts: 1, shown: 1 })
    const about = { asked, place, constrained: isGiven(request.format) }
    return new AnswerMeter(new OllamaSpelling(usage, about), usage)
  }

interface About {
  readonly asked: Asked
  readonly place: Place
  /** The request asks for an answer that fits a schema. */
  readonly constrained: boolean
}

const isGiven = (format: Json | undefined): boolean =>
  format !== undefined && format !== null && format !== ''

/** The time of a line that comes before the backend has told one. */
const NO_TIME = '1970-01-01T00:00:00Z'
const TOO_DEEP = 'a line of the upstream is nested too deeply'

/** Writes and reads Ollama's answers: a JSON object on each line (Ollama API reference). */
class OllamaSpelling implements Spelling {
  readonly framing = 'lines'
  readonly #usage: ResponseUsage
  readonly #about: About
  /** `model` and `created_at` of the stream. */
  #head: JsonObject
  /** The answer has thinking in it. */
  #thought = false

  constructor(usage: ResponseUsage, about: About) {
    this.#usage = usage
    this.#about = about
    this.#head = { model: about.asked.model ?? '', created_at: NO_TIME }
  }

  event(value: JsonObject): Heard {
    const failure = failureOf(value)
    if (failure !== null) return { failed: failure }
    if (!this.#read(value)) return { failed: TOO_DEEP }
    return value.done === true ? 'ends' : 'passes'
  }

  whole(answer: JsonObject): boolean {
    const { place } = this.#about
    return failureOf(answer) === null && place.part(answer) !== null && this.#read(answer)
  }

  #read(value: JsonObject): boolean {
    const { place } = this.#about
    const said = saidIn(value, place)
    if (said === null) return false
    const { model, created_at } = value
    if (typeof model === 'string') this.#head = { ...this.#head, model }
    if (typeof created_at === 'string') this.#head = { ...this.#head, created_at }
    if (place.part(value)?.thinking) this.#thought = true
    const { texts, others } = said
    this.#usage.says(0, { texts, others, again: '' }, value.done !== true)
    if (value.done === true) this.#usage.finish(0)
    this.#report(value)
    return true
  }

  /**
   * The counts of the last line, or of any line that has some. Ollama makes an answer with thinking
   * that must fit a schema in two runs and counts the second one alone, so the output is then
   * counted here (threats A7).
   */
  #report(value: JsonObject): void {
    const input = countIn(value.prompt_eval_count)
    const counted = countIn(value.eval_count)
    const twice = this.#about.constrained && this.#thought
    if (input === null && counted === null) return
    const output = twice ? null : counted
    this.#usage.reports({ input, cached: 0, output, beside: 0 }, null)
  }

  shorten(answer: JsonObject, share: Share): JsonObject {
    const short = this.#about.place.shortened(answer, new TextLeft(share))
    return { ...answer, ...short, done_reason: 'length', eval_count: share.output }
  }

  /** The line that ends the answer is written by `cut`. */
  shortEvent(value: JsonObject, share: Share): JsonObject {
    const { done_reason: _, prompt_eval_count: __, eval_count: ___, ...line } = value
    const short = this.#about.place.shortened(value, new TextLeft(share))
    return { ...line, ...short, done: false }
  }

  keepAlive(): string {
    return this.#line({ ...this.#about.place.line(''), done: false })
  }

  end(): Ending {
    return this.#done('stop')
  }

  cut(): Ending {
    return this.#done('length')
  }

  #done(reason: string): Ending {
    const { asked, place } = this.#about
    const { input = 0, output = 0 } = this.#usage.usage(asked.most.input)
    const last = this.#line({
      ...place.line(''),
      ...{ done: true, done_reason: reason, prompt_eval_count: input, eval_count: output },
    })
    return { before: '', last }
  }

  broken({ message }: Pick<Problem, 'code' | 'message'>): Ending {
    return { before: `${JSON.stringify({ error: message })}\n`, last: '' }
  }

  asStream(answer: JsonObject): Ending {
    return { before: '', last: `${JSON.stringify(answer)}\n` }
  }

  #line(value: JsonObject): string {
    return `${JSON.stringify({ ...this.#head, ...value })}\n`
  }
}

/** The error of a line or an answer. */
const failureOf = ({ error }: JsonObject): string | null =>
  error === undefined || error === null ? null : typeof error === 'string' ? error : 'an error'
