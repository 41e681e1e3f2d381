import type { Asked, Granted, Meter } from '../dialect.ts'
import { AnswerMeter } from './answer-meter.ts'
import type { JsonObject } from './json.ts'
import { ResponseUsage } from './response-usage.ts'
import type { Ending, Heard, Spelling } from './spelling.ts'

/** How an API without output writes its answer, which is always in one piece. */
export interface OnePiece {
  /** How many results an answer has. Null if it is no answer of this API. */
  results(answer: JsonObject): number | null
  /** The input tokens that it reports. Null if it reports none. */
  input(answer: JsonObject): number | null
}

/** A meter for such an answer: its input is charged as reported, or counted (`usage-trust.ts`). */
export function onePieceMeter(form: OnePiece, asked: Asked, granted: Granted): Meter {
  const usage = new ResponseUsage({ asked, granted, prompts: asked.prompts, shown: 1 })
  return new AnswerMeter(new OnePieceSpelling(form, usage), usage)
}

const NONE: Ending = { before: '', last: '' }

class OnePieceSpelling implements Spelling {
  readonly framing = 'lines'
  readonly #form: OnePiece
  readonly #usage: ResponseUsage

  constructor(form: OnePiece, usage: ResponseUsage) {
    this.#form = form
    this.#usage = usage
  }

  whole(answer: JsonObject): boolean {
    const results = this.#form.results(answer)
    if (results === null || (answer.error ?? null) !== null) return false
    this.#usage.counter(0)
    this.#usage.flowed(0, Math.max(1, results))
    this.#usage.finish(0)
    const input = this.#form.input(answer)
    if (input !== null) this.#usage.reports({ input, cached: 0, output: 0, beside: 0 }, null)
    return true
  }

  event(): Heard {
    return { failed: 'an answer that has no stream came as one' }
  }

  shorten(answer: JsonObject): JsonObject {
    return answer
  }

  shortEvent(): null {
    return null
  }

  keepAlive(): string {
    return ''
  }

  end(): Ending {
    return NONE
  }

  cut(): Ending {
    return NONE
  }

  broken(): Ending {
    return NONE
  }

  asStream(): Ending {
    return NONE
  }
}
