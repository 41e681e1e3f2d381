import type { Asked, Problem } from '../dialect.ts'
import { isObject, type JsonObject } from '../kit/json.ts'
import { ResponseText } from '../kit/response-text.ts'
import type { ResponseUsage } from '../kit/response-usage.ts'
import type { Ending, Heard, Spelling } from '../kit/spelling.ts'
import { type Share, TextLeft } from '../kit/text-left.ts'
import { countIn } from '../kit/usage-report.ts'

/** The members of an answer of `/api/chat`, as Ollama's API describes them. */
const TEXTS = ['content', 'thinking'] as const

/** Writes and reads answers of Ollama's `/api/chat`: a JSON object on each line (Ollama API reference). */
export class OllamaSpelling implements Spelling {
  readonly framing = 'lines'
  readonly #usage: ResponseUsage
  readonly #asked: Asked
  /** `model` and `created_at` of the stream. */
  #head: JsonObject

  constructor(usage: ResponseUsage, asked: Asked) {
    this.#usage = usage
    this.#asked = asked
    this.#head = { model: asked.model ?? '', created_at: NO_TIME }
  }

  event(value: JsonObject): Heard {
    const failure = failureOf(value)
    if (failure !== null) return { failed: failure }
    if (!this.#read(value)) return { failed: 'a line of the upstream is nested too deeply' }
    return value.done === true ? 'ends' : 'passes'
  }

  whole(answer: JsonObject): boolean {
    return failureOf(answer) === null && isObject(answer.message) && this.#read(answer)
  }

  #read(value: JsonObject): boolean {
    const { model, created_at } = value
    if (typeof model === 'string') this.#head = { ...this.#head, model }
    if (typeof created_at === 'string') this.#head = { ...this.#head, created_at }
    const strings = new ResponseText()
    if (isObject(value.message)) strings.part(value.message)
    for (const key in value) {
      if (key !== 'message' && !DESCRIBES.has(key)) strings.beside(key, value[key])
    }
    if (strings.tooDeep) return false
    const { texts, others } = strings
    this.#usage.says(0, { texts, others, again: '' }, value.done !== true)
    if (value.done !== true) return true
    this.#usage.finish(0)
    const input = countIn(value.prompt_eval_count)
    const output = countIn(value.eval_count)
    if (input !== null || output !== null)
      this.#usage.reports({ input, cached: 0, output, beside: 0 }, null)
    return true
  }

  shorten(answer: JsonObject, share: Share): JsonObject {
    const left = new TextLeft(share)
    const short = this.#shortMessage(answer, left)
    return { ...answer, ...short, done_reason: 'length', eval_count: share.output }
  }

  shortEvent(value: JsonObject, share: Share): JsonObject {
    return { ...value, ...this.#shortMessage(value, new TextLeft(share)) }
  }

  #shortMessage({ message }: JsonObject, left: TextLeft): JsonObject {
    if (!isObject(message)) return {}
    const short: JsonObject = { role: message.role ?? 'assistant' }
    for (const key of TEXTS) {
      const text = message[key]
      if (typeof text === 'string') short[key] = left.text(text)
    }
    return { message: short }
  }

  keepAlive(): string {
    return this.#line({ message: { role: 'assistant', content: '' }, done: false })
  }

  end(): Ending {
    return this.#done('stop')
  }

  cut(): Ending {
    return this.#done('length')
  }

  #done(reason: string): Ending {
    const { input = 0, output = 0 } = this.#usage.usage(this.#asked.most.input)
    const last = this.#line({
      message: { role: 'assistant', content: '' },
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

/** The time of a line that comes before the backend has told one. */
const NO_TIME = '1970-01-01T00:00:00Z'

/** Members of a line that are no text of the model. */
const DESCRIBES: ReadonlySet<string> = new Set([
  'model',
  'created_at',
  'done_reason',
  'remote_model',
])

/** The error of a line or an answer. */
const failureOf = ({ error }: JsonObject): string | null =>
  error === undefined || error === null ? null : typeof error === 'string' ? error : 'an error'
