import type { Asked, Backend, Problem } from '../dialect.ts'
import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { ResponseText } from '../kit/response-text.ts'
import type { ResponseUsage } from '../kit/response-usage.ts'
import { type Ending, type Heard, namedEvent, type Spelling } from '../kit/spelling.ts'
import { type Share, TextLeft } from '../kit/text-left.ts'
import { failureOf } from './failure.ts'
import { shorten } from './shorten.ts'
import { ReportedUsage } from './usage.ts'

/** Members of a block or a delta whose strings are the answer. Thinking has names of its own. */
const TEXTS: ReadonlySet<string> = new Set(['text', 'name', 'input', 'partial_json', 'content'])

/**
 * Reads and writes answers of the Messages API (Anthropic API reference, "Streaming Messages"). A stream
 * is a message that begins, blocks that begin, grow and stop, and a message that ends.
 */
export class MessagesSpelling implements Spelling {
  readonly framing = 'events'
  readonly #usage: ResponseUsage
  readonly #asked: Asked
  readonly #reported: ReportedUsage
  /** The message has begun. */
  #begun = false
  /** The numbers of the blocks that have begun and not stopped. */
  readonly #open = new Set<number>()
  /** The number of the next block. */
  #next = 0
  /** The last block has thinking in plain text, of which its signature is a copy. */
  #thought = false

  constructor(
    usage: ResponseUsage,
    { asked, backend }: { readonly asked: Asked; readonly backend: Backend },
  ) {
    this.#usage = usage
    this.#asked = asked
    this.#reported = new ReportedUsage(backend)
  }

  event(value: JsonObject, name: string | null): Heard {
    const failure = failureOf(value)
    if (failure !== null) return { failed: failure }
    const type = typeof value.type === 'string' ? value.type : name
    if (!this.#readsRest(value, type ?? '')) return { failed: TOO_DEEP }
    switch (type) {
      case 'message_start':
        return this.#starts(value)
      case 'content_block_start':
        return this.#blockStarts(value)
      case 'content_block_delta':
        this.#seals(value.delta)
        return this.#says(value.delta)
      case 'content_block_stop':
        this.#open.delete(Number(value.index))
        return 'passes'
      case 'message_delta':
        return this.#ends(value)
      case 'message_stop':
        return this.#stops()
      case 'ping':
        return 'passes'
      default:
        return this.#unknown(value)
    }
  }

  /** Strings that stand beside what an event is about. A client may show them, so they are charged. */
  #readsRest(value: JsonObject, type: string): boolean {
    const about = Object.hasOwn(ABOUT, type) ? ABOUT[type] : undefined
    if (about === undefined) return true
    const strings = new ResponseText()
    for (const key in value) {
      if (key !== 'type' && key !== 'usage' && key !== about) strings.beside(key, value[key])
    }
    this.#usage.others(strings.others)
    return !strings.tooDeep
  }

  #starts({ message }: JsonObject): Heard {
    this.#begun = true
    if (!isObject(message)) return 'passes'
    const report = this.#reported.begins(message.usage)
    if (report !== null) this.#usage.reports(report, null)
    return this.#says(message.content)
  }

  #blockStarts({ index, content_block: block }: JsonObject): Heard {
    const at = Number.isSafeInteger(index) ? Number(index) : this.#next
    this.#open.add(at)
    this.#next = Math.max(this.#next, at + 1)
    this.#thought = false
    this.#seals(block)
    return this.#says(block)
  }

  /** Thinking that only the backend can read: a block of it, or a signature alone (threats J16). */
  #seals(part: Json | undefined): void {
    if (!isObject(part)) return
    this.#thought ||= typeof part.thinking === 'string' && part.thinking !== ''
    const sealed = part.type === 'redacted_thinking' ? part.data : part.signature
    if (typeof sealed === 'string' && !this.#thought) this.#usage.sealed(sealed.length)
  }

  #ends({ delta, usage }: JsonObject): Heard {
    const said = this.#says(delta)
    const reason = isObject(delta) ? delta.stop_reason : null
    // Before the usage: the figures of an answer that has ended cut nothing.
    if (isReason(reason)) this.#finishes()
    const report = this.#reported.adds(usage)
    if (report !== null) this.#usage.reports(report, null)
    return said
  }

  /** An answer without a word is an answer: the model had nothing to say. */
  #finishes(): void {
    this.#usage.counter(0)
    this.#usage.finish(0)
  }

  /** A message that ends without a reason and without a word is no answer. */
  #stops(): Heard {
    if (this.#usage.begun && !this.#usage.seen.finished) this.#finishes()
    return 'ends'
  }

  /** An event of a kind that is not known yet. A client that shows it shows text, so it is charged. */
  #unknown(value: JsonObject): Heard {
    if (typeof value.type !== 'string') return { failed: 'an event of another API' }
    return this.#says(value)
  }

  /** The strings of a block, of a delta, or of a list of blocks. */
  #says(part: Json | undefined): Heard {
    if (part === undefined || part === null) return 'passes'
    const strings = stringsOf(Array.isArray(part) ? part : [part])
    if (strings.tooDeep) return { failed: TOO_DEEP }
    const { texts, others } = strings
    // What comes before the first text is held back, because it may still be an error (threats K8).
    if (texts.length + others.length > 0) this.#usage.says(0, { texts, others, again: '' }, true)
    return 'passes'
  }

  whole(answer: JsonObject): boolean {
    const { content } = answer
    if (failureOf(answer) !== null || !Array.isArray(content) || !content.every(isObject))
      return false
    const strings = stringsOf(content)
    if (strings.tooDeep) return false
    for (const key in answer) if (!DESCRIBES.has(key)) strings.beside(key, answer[key])
    const { texts, others } = strings
    this.#usage.says(0, { texts, others, again: '' }, false)
    const report = this.#reported.adds(answer.usage)
    if (report !== null) this.#usage.reports(report, null)
    this.#usage.finish(0)
    return true
  }

  shorten(answer: JsonObject, share: Share): JsonObject {
    return shorten(answer, share)
  }

  shortEvent(value: JsonObject, share: Share): JsonObject | null {
    const left = new TextLeft(share)
    const { delta, content_block: block, message } = value
    if (isObject(delta)) return { ...value, delta: left.value(delta, 'delta') }
    if (isObject(block)) return { ...value, content_block: left.value(block, 'content_block') }
    if (isObject(message)) return { ...value, message: { ...message, content: [] } }
    return null
  }

  keepAlive(): string {
    return namedEvent({ type: 'ping' })
  }

  end(): Ending {
    const last = namedEvent({ type: 'message_stop' })
    return { before: this.#usage.seen.finished ? '' : this.#last('end_turn'), last }
  }

  cut(): Ending {
    return { before: this.#last('max_tokens'), last: namedEvent({ type: 'message_stop' }) }
  }

  /** Everything before `message_stop`: a message that never began begins, blocks stop. */
  #last(reason: string): string {
    const begins = this.#begun && this.#usage.begun ? '' : this.#start({}, this.#tokens(true))
    const stops = [...this.#open].map((index) => namedEvent({ type: 'content_block_stop', index }))
    this.#open.clear()
    const delta = { stop_reason: reason, stop_sequence: null }
    return `${begins}${stops.join('')}${namedEvent({ type: 'message_delta', delta, usage: this.#tokens(false) })}`
  }

  #tokens(input: boolean): JsonObject {
    const used = this.#usage.usage(this.#asked.most.input)
    const { output = 0 } = used
    return input ? { input_tokens: used.input ?? 0, output_tokens: 0 } : { output_tokens: output }
  }

  #start(answer: JsonObject, usage: JsonObject): string {
    const { content: _, ...head } = { ...this.#head(), ...answer }
    const message = { ...head, content: [], stop_reason: null, stop_sequence: null, usage }
    return namedEvent({ type: 'message_start', message })
  }

  #head(): JsonObject {
    const { model } = this.#asked
    return { id: 'msg_satgate', type: 'message', role: 'assistant', model: model ?? '' }
  }

  broken({ message }: Pick<Problem, 'code' | 'message'>): Ending {
    const error = { type: 'api_error', message }
    return { before: namedEvent({ type: 'error', error }), last: '' }
  }

  asStream(answer: JsonObject): Ending {
    const { content, stop_reason, stop_sequence = null } = answer
    const usage = isObject(answer.usage) ? answer.usage : {}
    const blocks = (Array.isArray(content) ? content : []).filter(isObject).map(asEvents)
    const delta = { stop_reason: stop_reason ?? 'end_turn', stop_sequence }
    const ends = namedEvent({ type: 'message_delta', delta, usage })
    return {
      before: `${this.#start(answer, { ...usage, output_tokens: 0 })}${blocks.join('')}${ends}`,
      last: namedEvent({ type: 'message_stop' }),
    }
  }
}

/** The member that each kind of event is about; empty if it is about none. */
const ABOUT: Readonly<Record<string, string>> = {
  message_start: 'message',
  content_block_start: 'content_block',
  content_block_delta: 'delta',
  message_delta: 'delta',
  content_block_stop: '',
  message_stop: '',
  ping: '',
}

const TOO_DEEP = 'an event of the upstream is nested too deeply'

/** Members of a whole answer that are no text of the model. */
const DESCRIBES: ReadonlySet<string> = new Set([
  ...['id', 'type', 'role', 'model', 'content', 'stop_reason', 'stop_sequence', 'usage'],
  ...['container', 'context_management', 'stop_details'],
])

/** `""` and `"null"` are no reasons (threats K1). */
const isReason = (value: Json | undefined): boolean =>
  typeof value === 'string' && value !== '' && value !== 'null'

/** The strings of blocks or deltas. An empty input of a tool call says nothing yet. */
function stringsOf(parts: readonly Json[]): ResponseText {
  const strings = new ResponseText()
  for (const part of parts) {
    if (!isObject(part)) {
      strings.add('text', part, true)
      continue
    }
    for (const key in part) {
      const value = part[key] as Json
      if (key === 'input' && isObject(value) && Object.keys(value).length === 0) continue
      if (key === 'thinking') strings.part({ thinking: value })
      else if (TEXTS.has(key)) strings.add(key, value, true)
      else strings.beside(key, value)
    }
  }
  return strings
}

/** A block as it would have been streamed. A client builds it from its deltas. */
function asEvents(block: JsonObject, index: number): string {
  const { type } = block
  const event = (delta: JsonObject): string =>
    namedEvent({ type: 'content_block_delta', index, delta })
  const deltas: string[] = []
  const first: JsonObject = { ...block }
  if (type === 'text') {
    first.text = ''
    deltas.push(event({ type: 'text_delta', text: block.text ?? '' }))
  } else if (type === 'thinking') {
    first.thinking = ''
    if (first.signature !== undefined) first.signature = ''
    deltas.push(event({ type: 'thinking_delta', thinking: block.thinking ?? '' }))
    const { signature } = block
    if (signature !== undefined) deltas.push(event({ type: 'signature_delta', signature }))
  } else if (type === 'tool_use') {
    first.input = {}
    const partial_json = JSON.stringify(block.input ?? {})
    deltas.push(event({ type: 'input_json_delta', partial_json }))
  }
  const starts = namedEvent({ type: 'content_block_start', index, content_block: first })
  return `${starts}${deltas.join('')}${namedEvent({ type: 'content_block_stop', index })}`
}
