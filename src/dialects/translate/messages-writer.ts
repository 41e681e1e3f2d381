import type { Asked, Problem } from '../dialect.ts'
import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { type Ending, namedEvent } from '../kit/spelling.ts'
import { readJson } from '../kit/tolerant-json.ts'
import type { AnswerWriter } from './answer-writer.ts'
import type { ChatPieces, ChatUsage, Piece } from './chat-pieces.ts'

/** A block of the content that has begun. */
type Block =
  | { readonly type: 'text' | 'thinking'; text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; text: string }

/** Writes an answer of the Messages API (Anthropic API reference, "Streaming Messages"). */
export class MessagesWriter implements AnswerWriter {
  readonly #model: string
  readonly #stops: readonly Json[]
  /** The texts are kept only if the answer comes in one piece. */
  readonly #blocks: Block[] = []
  readonly #keeps: boolean
  /** The index of the next block, and the one that is open with the call that it is. */
  #next = 0
  #open: { readonly block: Block; readonly place: number | null } | null = null
  #called = false
  #refused = false
  #begun = false
  #reason: string | null = null
  #sequence: string | null = null

  /** `stops` are the client's `stop_sequences`. `whole`: the answer comes in one piece. */
  constructor(
    { model }: Pick<Asked, 'model'>,
    { stops, whole }: { readonly stops: readonly Json[]; readonly whole: boolean },
  ) {
    this.#model = model ?? ''
    this.#stops = stops
    this.#keeps = whole
  }

  begin(answer: ChatPieces): string {
    if (this.#begun) return ''
    this.#begun = true
    const message = {
      ...this.#head(answer),
      ...{ content: [], stop_reason: null, stop_sequence: null },
      // What the prompt has is known at the end, and told there.
      usage: { input_tokens: 0, output_tokens: 0 },
    }
    return namedEvent({ type: 'message_start', message })
  }

  #head({ id, model }: ChatPieces): JsonObject {
    const own = `msg_${(id ?? 'satgate').replace(/^chatcmpl-/, '')}`
    return { id: own, type: 'message', role: 'assistant', model: model ?? this.#model }
  }

  piece(piece: Piece): string | null {
    switch (piece.is) {
      case 'text':
        return this.#text('text', piece.text)
      case 'refusal':
        this.#refused = true
        return this.#text('text', piece.text)
      case 'thinking':
        return this.#text('thinking', piece.text)
      case 'call': {
        this.#called = true
        const { id, name, place } = piece
        return this.#opens({ type: 'tool_use', id, name, text: '' }, place)
      }
      case 'arguments':
        // A block that was closed cannot go on.
        return this.#open?.place === piece.place ? this.#adds(this.#open.block, piece.text) : null
      case 'ends':
        this.#reason = piece.reason
        this.#sequence = piece.sequence
        return ''
    }
  }

  #text(type: 'text' | 'thinking', text: string): string {
    const open = this.#open?.block
    if (open?.type === type) return this.#adds(open, text)
    const block: Block = { type, text: '' }
    return this.#opens(block, null) + this.#adds(block, text)
  }

  #opens(block: Block, place: number | null): string {
    const closed = this.#closes()
    this.#open = { block, place }
    if (this.#keeps) this.#blocks.push(block)
    const content_block = shown(block, {})
    return closed + namedEvent({ type: 'content_block_start', index: this.#next, content_block })
  }

  #adds(block: Block, text: string): string {
    if (this.#keeps) block.text += text
    return namedEvent({
      type: 'content_block_delta',
      index: this.#next,
      delta: deltaOf(block, text),
    })
  }

  #closes(): string {
    if (this.#open === null) return ''
    this.#open = null
    const index = this.#next
    this.#next += 1
    return namedEvent({ type: 'content_block_stop', index })
  }

  end(usage: ChatUsage): Ending {
    const delta = this.#stop()
    const before =
      this.#closes() + namedEvent({ type: 'message_delta', delta, usage: usageOf(usage) })
    return { before, last: namedEvent({ type: 'message_stop' }) }
  }

  broken({ message }: Pick<Problem, 'code' | 'message'>): Ending {
    const error = { type: 'api_error', message }
    return { before: namedEvent({ type: 'error', error }), last: '' }
  }

  keepAlive(): string {
    return namedEvent({ type: 'ping' })
  }

  whole(answer: ChatPieces, usage: ChatUsage): JsonObject | null {
    const content: JsonObject[] = []
    let called = false
    for (const block of this.#blocks) {
      const input = block.type === 'tool_use' ? inputOf(block.text) : {}
      called ||= block.type === 'tool_use' && input !== null
      if (input !== null) content.push(shown(block, input))
      // A call whose arguments are no JSON is shown as the text that the model wrote: a failure that a
      // prompt can cause is not free (threats J14). Of one that the output limit cut, nothing is.
      else if (this.#reason !== 'length') content.push({ type: 'text', text: block.text })
    }
    this.#called = called
    return { ...this.#head(answer), content, ...this.#stop(), usage: usageOf(usage) }
  }

  #stop(): JsonObject {
    const sequence = this.#sequence
    const named = this.#reason === 'stop' && sequence !== null && this.#stops.includes(sequence)
    if (named) return { stop_reason: 'stop_sequence', stop_sequence: sequence }
    return { stop_reason: this.#stopReason(), stop_sequence: null }
  }

  #stopReason(): string {
    if (this.#reason === 'length') return 'max_tokens'
    if (this.#reason === 'content_filter' || this.#refused) return 'refusal'
    return this.#called ? 'tool_use' : 'end_turn'
  }
}

/** A block as it stands in a whole answer, or as it begins in a stream. */
function shown(block: Block, input: JsonObject): JsonObject {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text }
    case 'thinking':
      // Only Anthropic signs its thinking.
      return { type: 'thinking', thinking: block.text, signature: '' }
    case 'tool_use':
      return { type: 'tool_use', id: block.id, name: block.name, input }
  }
}

function deltaOf({ type }: Block, text: string): JsonObject {
  if (type === 'tool_use') return { type: 'input_json_delta', partial_json: text }
  return type === 'text' ? { type: 'text_delta', text } : { type: 'thinking_delta', thinking: text }
}

/** The arguments of a call as an object. A call without any has none. */
function inputOf(text: string): JsonObject | null {
  const input = text.trim() === '' ? {} : readJson(text)
  return isObject(input) ? input : null
}

/** `input_tokens` leaves out what was in the cache. */
const usageOf = ({ input, cached, output }: ChatUsage): JsonObject => ({
  input_tokens: input - cached,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: cached,
  output_tokens: output,
})
