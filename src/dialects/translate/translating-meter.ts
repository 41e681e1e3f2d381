import type { Msat } from '../../money/msat.ts'
import type { Quantities } from '../../money/quantities.ts'
import type { Counted, Meter, Problem, Seen } from '../dialect.ts'
import { isObject, type JsonObject } from '../kit/json.ts'
import { noteOf } from '../kit/note.ts'
import type { Ending } from '../kit/spelling.ts'
import { asBuffer } from '../kit/sse.ts'
import { readJson } from '../kit/tolerant-json.ts'
import type { AnswerWriter } from './answer-writer.ts'
import { ChatEvents } from './chat-events.ts'
import { ChatPieces, type ChatUsage } from './chat-pieces.ts'

const NOTHING = Buffer.alloc(0)

/**
 * Watches an answer of chat completions and shows it in the form of another API. The meter of chat
 * completions reads every byte first, so the answer is metered once, in the form in which it flowed,
 * and what that meter does not let through is not translated.
 */
export class TranslatingMeter implements Meter {
  readonly #chat: Meter
  /** Makes a writer: for a stream, or for an answer in one piece. */
  readonly #writes: (whole: boolean) => AnswerWriter
  readonly #prompt: () => number
  readonly #events = new ChatEvents()
  readonly #answer = new ChatPieces()
  readonly #writer: AnswerWriter
  /** Something came that the client's API cannot say. */
  #failed: string | null = null
  /** The whole answer as the backend wrote it, without what is beyond the grant. */
  #whole: Uint8Array = NOTHING
  #over = false

  /**
   * @param chat the meter of chat completions, for a request that asks for usage
   * @param prompt an estimate of the tokens of the prompt, for an answer without usage
   */
  constructor(chat: Meter, writes: (whole: boolean) => AnswerWriter, prompt: () => number) {
    this.#chat = chat
    this.#writes = writes
    this.#writer = writes(false)
    this.#prompt = prompt
  }

  get seen(): Seen {
    const { seen } = this.#chat
    return this.#failed === null ? seen : { ...seen, error: seen.error ?? this.#failed }
  }

  stream(chunk: Uint8Array): Uint8Array {
    return this.#shows(this.#chat.stream(chunk))
  }

  rest(): Uint8Array {
    const out = this.#shows(this.#chat.rest())
    const last = this.#written(this.#events.rest())
    return last === '' ? out : Buffer.concat([out, Buffer.from(last)])
  }

  #shows(bytes: Uint8Array): Buffer {
    const text = this.#written(this.#events.read(bytes))
    return text === '' ? NOTHING : Buffer.from(text)
  }

  #written(chunks: readonly JsonObject[]): string {
    let text = ''
    for (const chunk of chunks) {
      if (this.#failed !== null) break
      const pieces = this.#answer.read(chunk)
      text += this.#writer.begin(this.#answer)
      for (const piece of pieces) {
        const written = this.#writer.piece(piece)
        if (written === null) this.#failed = 'a call of a tool went on after another one had begun'
        else text += written
      }
    }
    return text
  }

  whole(body: Uint8Array): Uint8Array | null {
    const whole = this.#chat.whole(body)
    const answer = whole === null ? null : readJson(asBuffer(whole).toString('utf8'))
    if (whole === null || !isObject(answer)) return null
    this.#whole = whole
    const pieces = new ChatPieces()
    const writer = this.#writes(true)
    const read = pieces.read(answer)
    writer.begin(pieces)
    for (const piece of read) if (writer.piece(piece) === null) return null
    const written = writer.whole(pieces, this.#usage(pieces))
    return written === null ? null : Buffer.from(JSON.stringify(written))
  }

  /** The client sees a stream that has begun, so the answer is shown as chunks first. */
  asStream(_: Uint8Array, cost: Msat | null = null): Uint8Array {
    const events = this.#shows(this.#chat.asStream(this.#whole))
    return Buffer.concat([events, this.#ends(() => this.#writer.end(this.#usage()), cost)])
  }

  finish(cost: Msat | null = null): Uint8Array {
    const { done, finished } = this.seen
    this.#chat.finish(cost)
    if (!done && !finished) return this.#ends(null, cost)
    return this.#ends(() => this.#writer.end(this.#usage()), cost)
  }

  cut(cost: Msat | null = null): Uint8Array {
    // What of the last event may be shown, the end at the limit, and the usage.
    const last = this.#shows(this.#chat.cut(cost))
    return Buffer.concat([last, this.#ends(() => this.#writer.end(this.#usage()), cost)])
  }

  broken(problem: Pick<Problem, 'code' | 'message'>, cost: Msat | null = null): Uint8Array {
    if (this.#failed === null && this.seen.done) return this.finish(cost)
    this.#chat.broken(problem, cost)
    return this.#ends(() => this.#writer.broken(problem), cost)
  }

  keepAlive(): Uint8Array {
    if (this.#over || this.seen.done) return NOTHING
    return Buffer.from(this.#writer.keepAlive())
  }

  /**
   * Writes the end of the stream, once. The comment with the cost stands in the last event. `end` is null
   * if the backend broke off.
   */
  #ends(end: (() => Ending) | null, cost: Msat | null): Buffer {
    if (this.#over) return NOTHING
    this.#over = true
    const begun = end === null ? '' : this.#writer.begin(this.#answer)
    const { before, last } = end?.() ?? { before: '', last: '' }
    const note = noteOf(cost)
    return Buffer.from(`${begun}${before}${note === null ? '' : `: ${note}\n`}${last}`)
  }

  /** The client is told the tokens that are charged. The prompt is counted only if nobody reports it. */
  #usage(answer = this.#answer): ChatUsage {
    const reported = answer.usage
    const prompt = reported === null || reported.input === 0 ? this.#prompt() : 0
    const { input = 0, cached = 0, output = 0 } = this.#chat.usage(prompt)
    return { input, cached, output, reasoning: Math.min(reported?.reasoning ?? 0, output) }
  }

  sofar(prompt: number): Quantities {
    return this.#chat.sofar(prompt)
  }

  usage(promptEstimate: number): Counted {
    return this.#chat.usage(promptEstimate)
  }
}
