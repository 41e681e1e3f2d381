import { asChunk } from './as-chunk.ts'
import { type Cut, memberCut } from './cut.ts'
import type { Counted, Meter, Problem, Seen } from './dialect.ts'
import { problem } from './errors.ts'
import { Flow } from './flow.ts'
import { isObject, type Json, type JsonObject, parse } from './json.ts'
import { choicesOf, indexOf, saysNothing } from './output.ts'
import { OwnBytes } from './own-bytes.ts'
import { SENT_ANYWAY, type Watched } from './shape.ts'
import { Frames, fieldsOf, MOST_EVENT } from './sse.ts'
import { Template } from './template.ts'

const NOTHING = Buffer.alloc(0)
/** Templates in a row that never matched, after which no more are made: every event differs. */
const MOST_MISSES = 8
/** A longer prompt is not counted for the usage of a stream that was cut: it stops all others. */
const MOST_COUNTED = 16 * 1024

/**
 * Watches one response of an OpenAI API. Whole events leave, an unfinished one is held back: what is
 * put behind it (`cut`, `broken`, a comment) never lands inside an event.
 */
export class OpenAiMeter implements Meter {
  readonly #watched: Watched
  readonly #frames = new Frames()
  readonly #flow: Flow
  readonly #own: OwnBytes
  #template: Template | null = null
  #misses = 0
  #events = 0
  /** Nothing more is read: the stream ended, failed or was cut. */
  #ended = false
  /** `[DONE]`, withheld until the gate has said the cost (surface 3). */
  #last: Buffer = NOTHING

  constructor(watched: Watched) {
    this.#watched = watched
    this.#flow = new Flow(watched)
    this.#own = new OwnBytes(watched.shape, watched.asked.model)
  }

  get seen(): Seen {
    return this.#flow.seen
  }

  stream(chunk: Uint8Array): Uint8Array {
    if (this.#ended) return NOTHING
    const own = asBuffer(chunk)
    const bytes = this.#frames.join(own)
    const pieces: Buffer[] = []
    let kept = 0
    let from = 0
    while (from < bytes.length && !this.#ended) {
      const known = this.#match(bytes, from)
      const end = known === -1 ? this.#frames.end(bytes, from) : known
      if (end === -1) break
      const cut = known === -1 ? this.#event(bytes, from, end) : this.#template?.cutOf(from)
      from = end
      if (!cut) continue
      if (cut.from > kept) pieces.push(bytes.subarray(kept, cut.from))
      kept = cut.to
    }
    if (kept === 0 && from === bytes.length && bytes === own) return this.#passed(chunk)
    if (from > kept) pieces.push(bytes.subarray(kept, from))
    const out = Buffer.concat(pieces)
    this.#keep(bytes, from)
    return this.#passed(out)
  }

  /** What leaves, with what our own bytes before it still owe in front. */
  #passed(out: Uint8Array): Uint8Array {
    if (out.length === 0) return out
    const before = this.#own.passes(out)
    return before === '' ? out : Buffer.concat([Buffer.from(before), out])
  }

  #keep(bytes: Buffer, from: number): void {
    if (bytes.length - from > MOST_EVENT) this.#fail('an event of the upstream has no end')
    if (this.#ended) this.#frames.take()
    else this.#frames.keep(bytes, from)
  }

  #fail(text: string): void {
    this.#flow.seen.error ??= text
    this.#ended = true
  }

  /** The end of an ordinary event that its template tells, with its text counted; else -1. */
  #match(bytes: Buffer, start: number): number {
    const template = this.#template
    if (template === null) return -1
    const end = template.match(bytes, start)
    if (end === -1) return -1
    const { choice, from, to, plain } = template
    const tally = this.#flow.tally(choice)
    if (plain && to - from < 1024) tally.addBytes(bytes, from, to)
    else tally.addText(unquoted(bytes, from, to))
    this.#flow.flowed(choice, to - from)
    if (template.finishes) this.#flow.finish(choice)
    this.#frames.forget()
    this.#misses = 0
    return end
  }

  /** Reads an event by parsing it. The part of it that the client does not see. */
  #event(bytes: Buffer, from: number, to: number): Cut | null {
    this.#events += 1
    const text = bytes.toString('utf8', from, to)
    const { data, error } = fieldsOf(this.#events === 1 ? text.replace(/^\uFEFF/, '') : text)
    if (error !== null) {
      this.#fail(error)
      return { from, to }
    }
    if (data === '[DONE]') {
      this.#last = Buffer.from(bytes.subarray(from, to))
      this.#flow.seen.done = true
      this.#ended = true
      return { from, to }
    }
    const chunk = data === null ? undefined : parse(data)
    if (!isObject(chunk)) return null
    this.#own.learn(chunk, text)
    this.#flow.read(chunk)
    if (chunk.error) {
      this.#fail(errorText(chunk.error))
      return { from, to }
    }
    const event = bytes.subarray(from, to)
    const cut = this.#cutOf(chunk, event)
    this.#learn(chunk, event, cut)
    return cut === null ? null : { from: cut.from + from, to: cut.to + from }
  }

  /** The part of an event that is there only because the gate asked for usage. */
  #cutOf(chunk: JsonObject, event: Buffer): Cut | null {
    const { asked, backend, shape } = this.#watched
    if (asked.wantsUsage || chunk.usage === undefined) return null
    if (chunk.usage !== null && choicesOf(chunk).every(saysNothing)) {
      return { from: 0, to: event.length }
    }
    return SENT_ANYWAY[backend].includes(shape.name) ? null : memberCut(event, 'usage')
  }

  #learn(chunk: JsonObject, event: Buffer, cut: Cut | null): void {
    const [choice] = choicesOf(chunk)
    if (choice === undefined || this.#misses > MOST_MISSES) return
    const template = Template.of(event, chunk, indexOf(choice, 0))
    if (template === null) return
    this.#misses += 1
    if (cut !== null) template.cut(cut.from, cut.to)
    this.#template = template
  }

  whole(body: Uint8Array): Uint8Array | null {
    const answer = parse(asBuffer(body).toString('utf8'))
    if (!isObject(answer)) return null
    const { hasOutput } = this.#watched.asked
    const list = hasOutput ? choicesOf(answer) : answer.data
    if (!Array.isArray(list) || list.length === 0) return null
    this.#flow.read(answer)
    if (!hasOutput) this.#flow.seen.output = true
    this.#flow.complete()
    return body
  }

  asStream(whole: Uint8Array, note: string | null = null): Uint8Array {
    const { asked, shape } = this.#watched
    const own = this.#own
    const chunk = asChunk(whole, shape, asked.wantsUsage) ?? {}
    own.learn(chunk, '')
    return Buffer.from(own.event(chunk) + own.end(own.done(), note))
  }

  rest(): Uint8Array {
    const rest = Buffer.from(this.#frames.take())
    if (this.#ended || rest.length === 0) return NOTHING
    this.#ended = true
    const out = this.#passed(this.#unfinished(rest))
    return Buffer.concat([out, Buffer.from(this.#own.end('', null))])
  }

  /** An event without its blank line, as the client may see it. */
  #unfinished(rest: Buffer): Buffer {
    const { data } = fieldsOf(rest.toString('utf8'))
    // A client drops an event that was cut off; left in, it would spoil the error behind it.
    const cutOff = data !== null && data !== '[DONE]' && parse(data) === undefined
    if (cutOff) return NOTHING
    const cut = this.#event(rest, 0, rest.length)
    return cut === null ? rest : Buffer.concat([rest.subarray(0, cut.from), rest.subarray(cut.to)])
  }

  finish(note: string | null = null): Uint8Array {
    this.#close()
    return this.#end(note)
  }

  #end(note: string | null): Buffer {
    const last = this.#last
    this.#last = NOTHING
    return Buffer.from(this.#own.end(last.toString('utf8'), note))
  }

  keepAlive(): Uint8Array {
    if (this.#ended) return NOTHING
    return Buffer.from(this.#own.keepAlive(this.#flow.open()[0]))
  }

  cut(note: string | null = null): Uint8Array {
    this.#close()
    if (this.seen.done) return this.#end(note)
    const { asked, shape } = this.#watched
    const parts: JsonObject[] = []
    for (const index of this.#flow.open()) parts.push({ choices: [shape.last(index)] })
    if (asked.wantsUsage) parts.push({ choices: [], usage: this.#usageSoFar() })
    const own = this.#own
    return Buffer.from(own.chunks(parts) + own.end(own.done(), note))
  }

  #usageSoFar(): JsonObject {
    const { asked, granted } = this.#watched
    let prompt = Math.ceil(asked.inputBound / 4)
    if (asked.inputBound <= MOST_COUNTED) {
      prompt = asked.ids
      for (const text of asked.texts) prompt += granted.count(text)
    }
    const { input, output } = this.usage(prompt)
    return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
  }

  broken({ code, message }: Problem, note: string | null = null): Uint8Array {
    this.#close()
    if (this.seen.done) return this.#end(note)
    const own = this.#own
    return Buffer.from(own.event(problem(502, code, message)) + own.end('', note))
  }

  #close(): void {
    this.#frames.take()
    this.#ended = true
  }

  usage(promptEstimate: number): Counted {
    return this.#flow.usage(promptEstimate)
  }
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function errorText(error: Json): string {
  if (isObject(error) && typeof error.message === 'string') return error.message
  return typeof error === 'string' ? error : JSON.stringify(error).slice(0, 1_000)
}

/** The text of a JSON string's inside. */
function unquoted(bytes: Buffer, from: number, to: number): string {
  const text = parse(`"${bytes.toString('utf8', from, to)}"`)
  return typeof text === 'string' ? text : ''
}
