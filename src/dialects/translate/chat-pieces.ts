import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { countIn } from '../kit/usage-report.ts'
import { choicesOf, isFinished } from '../openai/choices.ts'

/** What an answer of chat completions says, piece by piece, in the order in which it was made. */
export type Piece =
  | { readonly is: 'text' | 'thinking' | 'refusal'; readonly text: string }
  /** A call of a tool begins. `place` tells several calls apart. */
  | { readonly is: 'call'; readonly place: number; readonly id: string; readonly name: string }
  | { readonly is: 'arguments'; readonly place: number; readonly text: string }
  /** `sequence`: the text that stopped the answer, if the server tells it. */
  | { readonly is: 'ends'; readonly reason: string; readonly sequence: string | null }

/** Tokens as chat completions report them. */
export interface ChatUsage {
  readonly input: number
  readonly cached: number
  readonly output: number
  /** The part of the output that is thinking. */
  readonly reasoning: number
}

/** Servers send the same thinking under several of these names. */
const THINKING = ['reasoning_content', 'reasoning', 'thinking'] as const

/**
 * Reads the chunks of one stream, or one whole answer, into pieces. It reads the first choice: a
 * translated request asks for one.
 */
export class ChatPieces {
  id: string | null = null
  model: string | null = null
  created: number | null = null
  usage: ChatUsage | null = null
  /** The calls that have begun, by the index in the stream: their place and their id. */
  readonly #calls = new Map<number, { place: number; id: string }>()
  #places = 0

  /** A chunk of a stream, or a whole answer. */
  read(chunk: JsonObject): readonly Piece[] {
    const { created, id, model, usage } = chunk
    if (this.id === null && typeof id === 'string' && id !== '') this.id = id
    if (this.model === null && typeof model === 'string' && model !== '') this.model = model
    if (this.created === null && typeof created === 'number') this.created = created
    if (isObject(usage)) this.usage = usageOf(usage) ?? this.usage
    const [choice] = choicesOf(chunk)
    return choice === undefined ? [] : this.#choice(choice)
  }

  #choice(choice: JsonObject): readonly Piece[] {
    const pieces: Piece[] = []
    const { delta, message, finish_reason: reason, stop_reason: sequence, text } = choice
    const said = delta ?? message ?? text
    if (isObject(said)) this.#message(said, pieces)
    else content(said, pieces)
    if (typeof reason === 'string' && isFinished(choice)) {
      pieces.push({ is: 'ends', reason, sequence: typeof sequence === 'string' ? sequence : null })
    }
    return pieces
  }

  #message(message: JsonObject, pieces: Piece[]): void {
    for (const name of THINKING) {
      const thought = textIn(message[name])
      if (thought === '') continue
      pieces.push({ is: 'thinking', text: thought })
      break
    }
    content(message.content, pieces)
    if (typeof message.refusal === 'string' && message.refusal !== '') {
      pieces.push({ is: 'refusal', text: message.refusal })
    }
    const { function_call: call, tool_calls: calls } = message
    if (Array.isArray(calls)) {
      for (const [at, one] of calls.entries()) if (isObject(one)) this.#call(one, at, pieces)
    } else if (isObject(call)) this.#call({ function: call }, 0, pieces)
  }

  /** Some servers give every call the index 0, so another id begins another call. */
  #call(call: JsonObject, at: number, pieces: Piece[]): void {
    const index = typeof call.index === 'number' ? call.index : at
    const { name, arguments: given } = isObject(call.function) ? call.function : call
    const id = typeof call.id === 'string' ? call.id : ''
    let known = this.#calls.get(index)
    const another = id !== '' && known !== undefined && known.id !== id
    if (known === undefined || (another && typeof name === 'string')) {
      known = { place: this.#places, id: id === '' ? `call_${this.#places}` : id }
      this.#places += 1
      this.#calls.set(index, known)
      pieces.push({ is: 'call', ...known, name: typeof name === 'string' ? name : '' })
    }
    const text = isObject(given) ? JSON.stringify(given) : textIn(given)
    if (text !== '') pieces.push({ is: 'arguments', place: known.place, text })
  }
}

/** A text, or the typed parts that Mistral and others send, thinking among them (threats K9). */
function content(value: Json | undefined, pieces: Piece[]): void {
  if (typeof value === 'string') {
    if (value !== '') pieces.push({ is: 'text', text: value })
    return
  }
  if (typeof value === 'number') pieces.push({ is: 'text', text: String(value) })
  if (!Array.isArray(value)) return
  for (const part of value) {
    const thought = isObject(part) ? textIn(part.thinking) : ''
    if (thought !== '') pieces.push({ is: 'thinking', text: thought })
    else content(isObject(part) ? textIn(part.text ?? part.refusal) : part, pieces)
  }
}

/** A text, or the texts of parts joined. */
function textIn(value: Json | undefined): string {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return ''
  return value.map((part) => textIn(isObject(part) ? part.text : part)).join('')
}

function usageOf(usage: JsonObject): ChatUsage | null {
  const input = countIn(usage.prompt_tokens)
  const output = countIn(usage.completion_tokens)
  if (input === null || output === null) return null
  const cached = detail(usage.prompt_tokens_details, 'cached_tokens')
  const reasoning = detail(usage.completion_tokens_details, 'reasoning_tokens')
  return { input, cached: Math.min(cached, input), output, reasoning: Math.min(reasoning, output) }
}

const detail = (details: Json | undefined, name: string): number =>
  isObject(details) ? (countIn(details[name]) ?? 0) : 0
