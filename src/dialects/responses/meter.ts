import type { Asked, Counted, Granted } from '../dialect.ts'
import { AnswerMeter } from '../kit/answer-meter.ts'
import type { ResponseUsage } from '../kit/response-usage.ts'
import type { ResponsesSpelling } from './spelling.ts'

/**
 * The meter of one answer. An answer whose status is not final goes on at the upstream, where nobody here
 * sees how far: it is charged all that is held for it (threats L18).
 */
export class ResponsesMeter extends AnswerMeter {
  readonly #spelling: ResponsesSpelling
  readonly #asked: Asked
  readonly #granted: Granted

  constructor(
    spelling: ResponsesSpelling,
    about: { readonly usage: ResponseUsage; readonly asked: Asked; readonly granted: Granted },
  ) {
    super(spelling, about.usage)
    this.#spelling = spelling
    this.#asked = about.asked
    this.#granted = about.granted
  }

  override usage(promptEstimate: number): Counted {
    if (!this.#spelling.goesOn) return super.usage(promptEstimate)
    const { input } = this.#asked.most
    const { output } = this.#granted
    return { input, cached: 0, output, source: 'counted', reportedInput: null }
  }
}
