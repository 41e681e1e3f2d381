import type { Asked, Granted, Problem } from '../dialect.ts'
import { isObject, type JsonObject } from '../kit/json.ts'
import type { ResponseUsage } from '../kit/response-usage.ts'
import type { Ending, Heard, Spelling } from '../kit/spelling.ts'
import { MOST_EVENT } from '../kit/sse.ts'
import { type Share, TextLeft } from '../kit/text-left.ts'
import { usageSoFar } from '../openai/usage-so-far.ts'
import { CountedTexts } from './counted-texts.ts'
import { failureOf, failureOfEvent, isRunning, isUnfinished } from './failure.ts'
import { placeOf } from './item-texts.ts'
import { type OutputItem, OutputSoFar } from './output-so-far.ts'
import { shorten } from './shorten.ts'
import { reportOf } from './usage.ts'
import { EMPTY_RESPONSE, EventWriter, WAITING } from './written.ts'

/** The events that end a stream. */
const LAST = new Set(['response.completed', 'response.incomplete'])

/**
 * Reads and writes answers of the Responses API (OpenAI API reference, "Streaming events"): named events
 * that build a list of items, and at the end the whole response once more.
 */
export class ResponsesSpelling implements Spelling {
  readonly framing = 'events'
  /** The first events repeat instructions and tools of the request, each of them whole. */
  readonly mostBefore = 2 * MOST_EVENT
  /** The response goes on at the upstream after its answer (threats L18). */
  goesOn = false
  readonly #usage: ResponseUsage
  readonly #about: { readonly asked: Asked; readonly granted: Granted }
  readonly #output = new OutputSoFar()
  readonly #said: CountedTexts
  readonly #writer = new EventWriter()
  /** The response as its first events show it. */
  #head: JsonObject = {}

  constructor(usage: ResponseUsage, about: { readonly asked: Asked; readonly granted: Granted }) {
    this.#usage = usage
    this.#about = about
    this.#said = new CountedTexts(usage, this.#output)
  }

  event(value: JsonObject, name: string | null): Heard {
    const type = typeof value.type === 'string' ? value.type : (name ?? '')
    const failure = failureOfEvent(type, value)
    if (failure !== null) return { failed: failure }
    this.#output.next()
    if (!this.#said.event(type, value)) return { failed: TOO_DEEP }
    const { response } = value
    if (LAST.has(type)) {
      return isObject(response) ? this.#ends(response) : { failed: 'an end without a response' }
    }
    this.#writer.saw(value)
    if (isObject(response)) {
      this.#head = response
      this.#reports(response)
    }
    return 'passes'
  }

  /** The response has ended. Text that comes only now, and is too much, does not leave with the end. */
  #ends(response: JsonObject): Heard {
    this.#said.begins()
    this.#usage.finish(0)
    this.#reports(response)
    this.goesOn = isRunning(response)
    return this.#usage.seen.over ? 'hidden' : 'ends'
  }

  #reports(response: JsonObject): void {
    const report = reportOf(response)
    if (report !== null) this.#usage.reports(report, null)
  }

  whole(answer: JsonObject): boolean {
    if (failureOf(answer) !== null || !Array.isArray(answer.output)) return false
    if (!this.#said.response(answer)) return false
    this.#reports(answer)
    this.goesOn = isUnfinished(answer)
    return true
  }

  shorten(answer: JsonObject, share: Share): JsonObject {
    return shorten(answer, share)
  }

  shortEvent(value: JsonObject, share: Share): JsonObject | null {
    this.#output.undo()
    const { delta, type } = value
    if (typeof delta !== 'string' || typeof type !== 'string') return null
    const short = new TextLeft(share).text(delta)
    this.#output.append(this.#output.of(value), placeOf(type, value), short)
    return { ...value, delta: short }
  }

  keepAlive(): string {
    return WAITING
  }

  end(): Ending {
    return this.#ended('completed')
  }

  cut(): Ending {
    return this.#ended('incomplete')
  }

  /** Ends what is open, and the response. */
  #ended(status: 'completed' | 'incomplete'): Ending {
    const open = this.#output.items.filter((item) => !item.done && isText(item))
    const before = open.map((item) => this.#writer.closes(item.sofar(status), item.at)).join('')
    const details = status === 'incomplete' ? { reason: 'max_output_tokens' } : null
    const response = this.#response({ status, incomplete_details: details })
    return { before, last: this.#writer.event(`response.${status}`, { response }) }
  }

  broken({ code, message }: Pick<Problem, 'code' | 'message'>): Ending {
    const response = this.#response({ status: 'failed', error: { code, message } })
    return { before: '', last: this.#writer.event('response.failed', { response }) }
  }

  /** The response so far. */
  #response(state: JsonObject): JsonObject {
    const { asked } = this.#about
    const status = state.status === 'completed' ? 'completed' : 'incomplete'
    const { prompt_tokens, completion_tokens, total_tokens } = usageSoFar(this.#usage, this.#about)
    return {
      ...EMPTY_RESPONSE,
      model: asked.model ?? '',
      ...this.#head,
      ...state,
      output: this.#output.items.map((item) => item.sofar(isText(item) ? status : 'incomplete')),
      usage: {
        input_tokens: prompt_tokens ?? 0,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: completion_tokens ?? 0,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: total_tokens ?? 0,
      },
    }
  }

  asStream(answer: JsonObject): Ending {
    const items = Array.isArray(answer.output) ? answer.output.filter(isObject) : []
    const status = answer.status === 'incomplete' ? 'incomplete' : 'completed'
    const whole = { ...EMPTY_RESPONSE, ...answer }
    const begun = { ...whole, status: 'in_progress', output: [], usage: null }
    const opened = ['created', 'in_progress'].map((kind) =>
      this.#writer.event(`response.${kind}`, { response: begun }),
    )
    const said = items.map((item, at) => this.#writer.item(item, at))
    const last = this.#writer.event(`response.${status}`, { response: whole })
    return { before: [...opened, ...said].join(''), last }
  }
}

const TOO_DEEP = 'an event of the upstream is nested too deeply'

/**
 * A message or thinking. The end of an unfinished call of a tool is never written: it says to a program that
 * the call is whole.
 */
const isText = ({ value }: OutputItem): boolean =>
  value === null || value.type === 'message' || value.type === 'reasoning'
