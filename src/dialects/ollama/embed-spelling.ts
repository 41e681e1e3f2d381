import type { Asked, Granted, Meter } from '../dialect.ts'
import { AnswerMeter } from '../kit/answer-meter.ts'
import type { JsonObject } from '../kit/json.ts'
import { ResponseUsage } from '../kit/response-usage.ts'
import type { Ending, Heard, Spelling } from '../kit/spelling.ts'
import { countIn } from '../kit/usage-report.ts'

/** A meter for embeddings, which stand under `key`. */
export const embeddingsMeter =
  (key: 'embeddings' | 'embedding') =>
  (asked: Asked, granted: Granted): Meter => {
    const usage = new ResponseUsage({ asked, granted, prompts: 1, shown: 1 })
    return new AnswerMeter(new OllamaEmbeddings(usage, key), usage)
  }

const NONE: Ending = { before: '', last: '' }

/** Reads the answer of `/api/embed` or `/api/embeddings`. It is always in one piece. */
class OllamaEmbeddings implements Spelling {
  readonly framing = 'lines'
  readonly #usage: ResponseUsage
  readonly #key: string

  constructor(usage: ResponseUsage, key: string) {
    this.#usage = usage
    this.#key = key
  }

  whole(answer: JsonObject): boolean {
    const vectors = answer[this.#key]
    if (!Array.isArray(vectors)) return false
    this.#usage.counter(0)
    this.#usage.flowed(0, Math.max(1, vectors.length))
    this.#usage.finish(0)
    const input = countIn(answer.prompt_eval_count)
    if (input !== null) this.#usage.reports({ input, cached: 0, output: 0, beside: 0 }, null)
    return true
  }

  event(): Heard {
    return { failed: 'embeddings came as a stream' }
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
