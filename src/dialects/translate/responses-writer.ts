import type { Asked, Problem } from '../dialect.ts'
import { isObject, type JsonObject } from '../kit/json.ts'
import { type Ending, namedEvent } from '../kit/spelling.ts'
import { EMPTY_RESPONSE, WAITING } from '../responses/written.ts'
import type { AnswerWriter } from './answer-writer.ts'
import type { ChatPieces, ChatUsage, Piece } from './chat-pieces.ts'

type Text = 'output_text' | 'refusal' | 'reasoning_text'

/** An item of the output: a message or thinking with its parts, or a call of a function. */
interface Item {
  readonly id: string
  readonly type: 'message' | 'reasoning' | 'function_call'
  readonly parts: { readonly type: Text; text: string }[]
  /** Of a call. */
  readonly call: {
    readonly place: number
    readonly id: string
    /** `name`, and `namespace` if it has one. */
    readonly named: JsonObject
  } | null
  given: string
}

/** What an answer needs of its request. */
export interface OfRequest {
  /** Settings that the answer repeats. */
  readonly repeated: JsonObject
  /** The namespace and the name of functions, by their names in chat completions. */
  readonly namespaces: JsonObject
}

/** Writes an answer of the Responses API (OpenAI API reference, "Responses", "Streaming events"). */
export class ResponsesWriter implements AnswerWriter {
  readonly #asked: Pick<Asked, 'model'>
  readonly #repeated: JsonObject
  readonly #namespaces: JsonObject
  readonly #items: Item[] = []
  /** The last item goes on. */
  #open = false
  #begun = false
  #number = 0
  #reason: string | null = null
  #head: JsonObject = {}

  constructor(asked: Pick<Asked, 'model'>, { namespaces, repeated }: OfRequest) {
    this.#asked = asked
    this.#namespaces = namespaces
    this.#repeated = repeated
  }

  begin(answer: ChatPieces): string {
    if (this.#begun) return ''
    this.#begun = true
    this.#head = this.#headOf(answer)
    return ['response.created', 'response.in_progress']
      .map((type) => this.#event(type, { response: this.#response({ status: 'in_progress' }) }))
      .join('')
  }

  #headOf({ created, id, model }: ChatPieces): JsonObject {
    const own = `resp_${(id ?? 'satgate').replace(/^chatcmpl-/, '')}`
    const named = model ?? this.#asked.model ?? ''
    return { id: own, object: 'response', created_at: created ?? 0, model: named }
  }

  piece(piece: Piece): string | null {
    switch (piece.is) {
      case 'text':
        return this.#text('message', 'output_text', piece.text)
      case 'refusal':
        return this.#text('message', 'refusal', piece.text)
      case 'thinking':
        return this.#text('reasoning', 'reasoning_text', piece.text)
      case 'call': {
        const { id, name, place } = piece
        const known = this.#namespaces[name]
        return this.#opens('function_call', {
          place,
          id,
          named: isObject(known) ? known : { name },
        })
      }
      case 'arguments':
        return this.#given(piece)
      case 'ends':
        this.#reason = piece.reason
        return ''
    }
  }

  /** An item that was closed cannot go on. */
  #given({ place, text }: Extract<Piece, { is: 'arguments' }>): string | null {
    const item = this.#openItem()
    if (item?.call?.place !== place) return null
    item.given += text
    const type = 'response.function_call_arguments.delta'
    return this.#event(type, { ...this.#at(item), delta: text })
  }

  #openItem(): Item | undefined {
    return this.#open ? this.#items.at(-1) : undefined
  }

  #text(type: 'message' | 'reasoning', part: Text, text: string): string {
    let events = ''
    if (this.#openItem()?.type !== type) events += this.#opens(type, null)
    const item = this.#items.at(-1)
    if (item === undefined) return events
    if (item.parts.at(-1)?.type !== part) {
      events += this.#partDone(item)
      item.parts.push({ type: part, text: '' })
      events += this.#event('response.content_part.added', {
        ...this.#part(item),
        part: partOf({ type: part, text: '' }),
      })
    }
    const last = item.parts.at(-1)
    if (last !== undefined) last.text += text
    const logprobs = part === 'output_text' ? { logprobs: [] } : {}
    return (
      events +
      this.#event(`response.${part}.delta`, { ...this.#part(item), delta: text, ...logprobs })
    )
  }

  #opens(type: Item['type'], call: Item['call']): string {
    const closed = this.#closes('completed')
    const own = String(this.#head.id).replace('resp_', '')
    const id = `${PREFIX[type]}_${own}_${this.#items.length}`
    const item: Item = { id, type, parts: [], call, given: '' }
    this.#items.push(item)
    this.#open = true
    const added = {
      output_index: this.#items.length - 1,
      item: itemOf(item, 'in_progress'),
    }
    return closed + this.#event('response.output_item.added', added)
  }

  /** Closes the last part of an item. */
  #partDone(item: Item): string {
    const part = item.parts.at(-1)
    if (part === undefined) return ''
    const where = this.#part(item)
    const { type, text } = part
    const said = type === 'refusal' ? { refusal: text } : { text }
    const logprobs = type === 'output_text' ? { logprobs: [] } : {}
    return (
      this.#event(`response.${type}.done`, { ...where, ...said, ...logprobs }) +
      this.#event('response.content_part.done', { ...where, part: partOf(part) })
    )
  }

  #closes(status: string): string {
    const item = this.#openItem()
    if (item === undefined) return ''
    this.#open = false
    const { call, given } = item
    // A program would run a call that was cut short, so the end of one is not written.
    if (call !== null && status === 'incomplete') return ''
    const inner =
      call === null
        ? this.#partDone(item)
        : this.#event('response.function_call_arguments.done', {
            ...this.#at(item),
            ...{ name: call.named.name ?? '', arguments: given },
          })
    const done = { output_index: this.#items.length - 1, item: itemOf(item, status) }
    return inner + this.#event('response.output_item.done', done)
  }

  #at({ id }: Item): JsonObject {
    return { item_id: id, output_index: this.#items.length - 1 }
  }

  #part(item: Item): JsonObject {
    return { ...this.#at(item), content_index: Math.max(0, item.parts.length - 1) }
  }

  end(usage: ChatUsage): Ending {
    const { status, ended } = this.#ended()
    const before = this.#closes(status)
    const response = this.#response({ ...ended, usage: usageOf(usage) })
    return { before, last: this.#event(`response.${status}`, { response }) }
  }

  /** Codex repeats a bare `error` event, and stops at a response that failed. */
  broken({ code, message }: Pick<Problem, 'code' | 'message'>): Ending {
    const response = this.#response({ status: 'failed', error: { code, message } })
    return { before: '', last: this.#event('response.failed', { response }) }
  }

  keepAlive(): string {
    return WAITING
  }

  whole(_: ChatPieces, usage: ChatUsage): JsonObject {
    const { ended } = this.#ended()
    return this.#response({ ...ended, usage: usageOf(usage) })
  }

  #ended(): { readonly status: string; readonly ended: JsonObject } {
    const reason = CUT[this.#reason ?? '']
    if (reason === undefined) return { status: 'completed', ended: { status: 'completed' } }
    return { status: 'incomplete', ended: { status: 'incomplete', incomplete_details: { reason } } }
  }

  #response(members: JsonObject): JsonObject {
    const last = this.#items.length - 1
    const status = members.status === 'incomplete' ? 'incomplete' : 'completed'
    const ended = members.status !== 'in_progress'
    const output = ended
      ? this.#items.map((item, at) => itemOf(item, at === last ? status : 'completed'))
      : []
    return { ...EMPTY_RESPONSE, ...this.#head, ...this.#repeated, ...members, output }
  }

  #event(type: string, members: JsonObject): string {
    const sequence_number = this.#number
    this.#number += 1
    return namedEvent({ type, sequence_number, ...members })
  }
}

const PREFIX = { message: 'msg', reasoning: 'rs', function_call: 'fc' } as const

/** Why a response is not complete, by the reason of chat completions. */
const CUT: Readonly<Record<string, string>> = {
  length: 'max_output_tokens',
  content_filter: 'content_filter',
}

function itemOf({ id, type, parts, call, given }: Item, status: string): JsonObject {
  if (call !== null) {
    return { id, type, status, call_id: call.id, ...call.named, arguments: given }
  }
  const content = parts.map(partOf)
  if (type === 'reasoning') return { id, type, status, summary: [], content }
  return { id, type, status, role: 'assistant', content }
}

function partOf({ type, text }: Item['parts'][number]): JsonObject {
  if (type === 'refusal') return { type, refusal: text }
  return type === 'output_text' ? { type, text, annotations: [], logprobs: [] } : { type, text }
}

const usageOf = ({ input, cached, output, reasoning }: ChatUsage): JsonObject => ({
  input_tokens: input,
  input_tokens_details: { cached_tokens: cached },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: reasoning },
  total_tokens: input + output,
})
