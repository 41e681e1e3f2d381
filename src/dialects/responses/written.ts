import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { namedEvent } from '../kit/spelling.ts'

/** Writes events of the gate's own, and continues the numbers of the stream. */
export class EventWriter {
  #next = 0

  /** An event of the backend passes. */
  saw({ sequence_number: number }: JsonObject): void {
    const known = typeof number === 'number' && Number.isSafeInteger(number)
    this.#next = known ? Math.max(this.#next, number + 1) : this.#next + 1
  }

  event(type: string, data: JsonObject): string {
    const sequence_number = this.#next
    this.#next += 1
    return namedEvent({ type, sequence_number, ...data })
  }

  /** An item from its beginning to its end, for a client that has seen nothing of it. */
  item(item: JsonObject, at: number): string {
    const where = { item_id: idOf(item, at), output_index: at }
    const opened = this.event('response.output_item.added', {
      output_index: at,
      item: emptied(item),
    })
    return opened + this.#said(item, where) + this.closes(item, at)
  }

  /** The texts of an item as one delta each. */
  #said(item: JsonObject, where: Where): string {
    const { type, arguments: given, input } = item
    if (type === 'function_call' && typeof given === 'string')
      return this.event('response.function_call_arguments.delta', { ...where, delta: given })
    if (type === 'custom_tool_call' && typeof input === 'string')
      return this.event('response.custom_tool_call_input.delta', { ...where, delta: input })
    return partsOf(item).reduce((text, part) => text + this.#opens(part, where), '')
  }

  #opens({ added, delta, index, part, text }: PartOf, where: Where): string {
    const at = { ...where, ...index }
    return (
      this.event(added, { ...at, part: { ...part, [text]: '' } }) +
      this.event(delta, { ...at, delta: part[text] ?? '', ...logprobsOf(part) })
    )
  }

  /** The events that end an item which a client has seen. */
  closes(item: JsonObject, at: number): string {
    const where = { item_id: idOf(item, at), output_index: at }
    const { type, arguments: given, input } = item
    let text = ''
    if (type === 'function_call' && typeof given === 'string')
      text = this.event('response.function_call_arguments.done', { ...where, arguments: given })
    else if (type === 'custom_tool_call' && typeof input === 'string')
      text = this.event('response.custom_tool_call_input.done', { ...where, input })
    for (const part of partsOf(item)) text += this.#ends(part, where)
    return text + this.event('response.output_item.done', { output_index: at, item })
  }

  #ends({ done, ended, index, part, text }: PartOf, where: Where): string {
    const at = { ...where, ...index }
    return (
      this.event(done, { ...at, [text]: part[text] ?? '', ...logprobsOf(part) }) +
      this.event(ended, { ...at, part })
    )
  }
}

interface Where {
  readonly item_id: string
  readonly output_index: number
}

/** A part of an item, and the names of the events that are about it. */
interface PartOf {
  readonly part: JsonObject
  /** The member that holds its text. */
  readonly text: 'text' | 'refusal'
  readonly index: Readonly<Record<string, number>>
  readonly added: string
  readonly delta: string
  readonly done: string
  readonly ended: string
}

function partsOf(item: JsonObject): PartOf[] {
  const summary = listed(item.summary).map((part, index) => ({
    ...{ part, text: 'text' as const, index: { summary_index: index } },
    ...namesOf('reasoning_summary_text', 'reasoning_summary_part'),
  }))
  const content = listed(item.content).map((part, index) => {
    const refuses = part.type === 'refusal'
    const thinks = part.type === 'reasoning_text'
    return {
      ...{ part, text: refuses ? ('refusal' as const) : ('text' as const) },
      index: { content_index: index },
      ...namesOf(refuses ? 'refusal' : thinks ? 'reasoning_text' : 'output_text', 'content_part'),
    }
  })
  return [...summary, ...content]
}

const namesOf = (text: string, part: string) => ({
  added: `response.${part}.added`,
  delta: `response.${text}.delta`,
  done: `response.${text}.done`,
  ended: `response.${part}.done`,
})

const listed = (parts: Json | undefined): JsonObject[] =>
  Array.isArray(parts) ? parts.filter(isObject) : []

/** Events about text have a list of probabilities, which may be empty. */
const logprobsOf = ({ type }: JsonObject): JsonObject =>
  type === 'output_text' ? { logprobs: [] } : {}

/** An item as it stands when nothing of it has come. */
function emptied(item: JsonObject): JsonObject {
  const empty: JsonObject = { ...item, status: 'in_progress' }
  for (const key of ['content', 'summary']) if (Array.isArray(item[key])) empty[key] = []
  for (const key of ['arguments', 'input']) if (typeof item[key] === 'string') empty[key] = ''
  return empty
}

function idOf({ id, call_id: call }: JsonObject, at: number): string {
  return typeof id === 'string' ? id : typeof call === 'string' ? call : `msg_satgate_${at}`
}

/** The members of a response that strict clients ask for, with the values of a request that names none. */
export const EMPTY_RESPONSE: JsonObject = {
  ...{ id: 'resp_satgate', object: 'response', created_at: 0, status: 'in_progress' },
  ...{ background: false, error: null, incomplete_details: null, instructions: null },
  ...{ max_output_tokens: null, metadata: {}, model: '', output: [], parallel_tool_calls: true },
  ...{ previous_response_id: null, reasoning: null, store: false, temperature: null },
  ...{ text: { format: { type: 'text' } }, tool_choice: 'auto', tools: [], top_p: null },
  ...{ truncation: 'disabled', usage: null },
}

/** A comment with one line feed: it is no event, and no reader of this API reads blocks instead of lines. */
export const WAITING = ': waiting for the model\n'
