import type { Understood } from '../../../contract/dialect.ts'

/** Events of the Responses API, as backends send them and as clients read them. */

type Json = Record<string, unknown>

/** A named event. */
export const event = (type: string, data: Json = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`

export const ITEM = { id: 'msg_1', type: 'message', role: 'assistant' }

/** A part with a text. */
export const part = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] })

/** A message that is complete. */
export const message = (text: string) => ({ ...ITEM, status: 'completed', content: [part(text)] })

export const USAGE = {
  input_tokens: 5,
  input_tokens_details: { cached_tokens: 2 },
  output_tokens: 3,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 8,
}

/** A response with this output. */
export const response = (output: readonly unknown[], more: Json = {}): Json => ({
  ...{ id: 'resp_1', object: 'response', created_at: 7, status: 'completed', error: null },
  ...{ model: 'fake', output, usage: USAGE, instructions: 'Be brief.', ...more },
})

export const created = event('response.created', {
  response: response([], { status: 'in_progress', usage: null }),
})

export const opened =
  event('response.output_item.added', {
    output_index: 0,
    item: { ...ITEM, status: 'in_progress', content: [] },
  }) +
  event('response.content_part.added', {
    ...{ item_id: 'msg_1', output_index: 0, content_index: 0, part: part('') },
  })

export const delta = (text: string): string =>
  event('response.output_text.delta', {
    ...{ item_id: 'msg_1', output_index: 0, content_index: 0, delta: text, logprobs: [] },
  })

/** The events that repeat a text after its deltas. */
export const repeated = (text: string): string =>
  event('response.output_text.done', {
    ...{ item_id: 'msg_1', output_index: 0, content_index: 0, text, logprobs: [] },
  }) +
  event('response.content_part.done', {
    ...{ item_id: 'msg_1', output_index: 0, content_index: 0, part: part(text) },
  }) +
  event('response.output_item.done', { output_index: 0, item: message(text) })

export const completed = (text: string, more: Json = {}): string =>
  event('response.completed', { response: response([message(text)], more) })

/** A whole stream that says these words. */
export const stream = (...words: readonly string[]): string => {
  const text = words.join('')
  return created + opened + words.map(delta).join('') + repeated(text) + completed(text)
}

/** The events of a stream, read line by line as SDKs do. */
export function eventsOf(text: string): Json[] {
  const data = text.split(/\r\n|\n|\r/).filter((line) => line.startsWith('data:'))
  return data.map((line) => JSON.parse(line.slice('data:'.length)))
}

/** What a client understands of a stream. */
export function reads(text: string): Understood {
  let made = ''
  let end: Understood['end'] = null
  for (const { type, delta } of eventsOf(text)) {
    if (end !== null) throw new Error(`${type} after the end`)
    if (type === 'response.output_text.delta') made += delta
    if (type === 'response.completed') end = 'done'
    if (type === 'response.incomplete') end = 'limit'
    if (type === 'response.failed' || type === 'error') end = 'error'
  }
  return { made, end }
}
