import type { Understood } from '../../../contract/dialect.ts'

/** A request, its answers, and a reader of the Messages API, for its tests. */

export const named = (data: { readonly type: string } & Record<string, unknown>): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`

export const start = (usage: object = { input_tokens: 5, output_tokens: 1 }): string =>
  named({
    type: 'message_start',
    message: {
      ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'fake', content: [] },
      ...{ stop_reason: null, stop_sequence: null, usage },
    },
  })

export const block = (index = 0, content_block: object = { type: 'text', text: '' }): string =>
  named({ type: 'content_block_start', index, content_block })
export const says = (text: string, index = 0): string =>
  named({ type: 'content_block_delta', index, delta: { type: 'text_delta', text } })
export const stop = (index = 0): string => named({ type: 'content_block_stop', index })
export const ends = (usage: object = { output_tokens: 3 }, stop_reason: unknown = 'end_turn') =>
  named({ type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage })
export const OVER = named({ type: 'message_stop' })

export const REQUEST = {
  model: 'fake',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Hello' }],
}

export const STREAM = `${start()}${block()}${says('Hi')}${says(' there')}${says('.')}${stop()}${ends()}${OVER}`

export const ANSWER = {
  ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'fake' },
  content: [{ type: 'text', text: 'Hi there.' }],
  ...{ stop_reason: 'end_turn', stop_sequence: null },
  usage: { input_tokens: 5, output_tokens: 3 },
}

/** The events of a stream as Anthropic's own SDKs read them: by their names, blank line by blank line. */
export function eventsOf(stream: string): Record<string, unknown>[] {
  const events: Record<string, unknown>[] = []
  for (const event of stream.split(/\n\n|\r\n\r\n|\r\r/)) {
    const lines = event.split(/\r\n|\n|\r/).map((line) => line.replace(/^\uFEFF/, ''))
    const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5))
    const name = lines
      .find((line) => line.startsWith('event:'))
      ?.slice(6)
      .trim()
    if (name === undefined || name === 'ping' || data.length === 0) continue
    events.push(JSON.parse(data.join('\n')))
  }
  return events
}

/** Builds a message of a stream as the SDKs do, which throw on events in a wrong order. */
export function reads(stream: string): Understood {
  let made = ''
  let end: Understood['end'] = null
  let begun = false
  let reason: unknown = null
  const open = new Set<unknown>()
  for (const event of eventsOf(stream)) {
    if (event.type === 'error') return { made, end: 'error' }
    if (event.type === 'message_start') {
      if (begun) throw new Error('two messages')
      begun = true
      continue
    }
    const delta = (event.delta ?? {}) as Record<string, unknown>
    if (event.type === 'content_block_start') open.add(event.index)
    if (event.type === 'content_block_delta') {
      if (begun && !open.has(event.index)) throw new Error('a delta of no block')
      made += delta.text ?? delta.thinking ?? delta.partial_json ?? ''
    }
    if (event.type === 'content_block_stop' && !open.delete(event.index))
      throw new Error('a block that stops twice')
    if (String(event.type).startsWith('message_') && !begun)
      throw new Error(`${event.type} before message_start`)
    if (event.type === 'message_delta') reason = delta.stop_reason
    if (event.type === 'message_stop') {
      if (open.size > 0) throw new Error('a block is open at the end')
      end = reason === 'max_tokens' ? 'limit' : 'done'
    }
  }
  return { made, end }
}
