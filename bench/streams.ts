/** What the mock model server writes in its streams, as chunks of HTTP/1.1 that exist before the first request. */

/** The stream of one API. */
export interface Stream {
  readonly head: Buffer
  /** What comes at once before the first piece of text; empty if nothing does. */
  readonly begin: Buffer
  /** One event, or line, for each piece of text. */
  readonly deltas: readonly Buffer[]
  /** The end, after so many pieces of text, as the writes of a model server. */
  readonly end: (output: number, counted: boolean) => readonly Buffer[]
}

const NOTHING = Buffer.alloc(0)
const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const INPUT = 150
const word = (index: number): string => ` word${index}`

const chunk = (text: string): Buffer =>
  Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)

const headOf = (type: string): Buffer =>
  Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n`,
  )

const deltasOf = (text: (index: number) => string): readonly Buffer[] =>
  Array.from({ length: 100 }, (_, index) => chunk(text(index)))

/** Figures as chat completions report them. */
export const usage = (output: number) => ({
  usage: { prompt_tokens: INPUT, completion_tokens: output, total_tokens: INPUT + output },
})

const chatEvent = (choices: unknown[], more: object = {}): string => {
  const head = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1, model: 'bench' }
  return `data: ${JSON.stringify({ ...head, choices, ...more })}\n\n`
}

const chatChoice = (delta: object, finish_reason: string | null): string =>
  chatEvent([{ index: 0, delta, finish_reason }])

const CHAT_FINISH = chunk(chatChoice({}, 'stop'))
const CHAT_DONE = Buffer.concat([chunk('data: [DONE]\n\n'), LAST_CHUNK])

export const CHAT: Stream = {
  head: headOf('text/event-stream'),
  begin: NOTHING,
  deltas: deltasOf((index) => chatChoice({ content: word(index) }, null)),
  end: (output, counted) => [
    CHAT_FINISH,
    ...(counted ? [chunk(chatEvent([], usage(output)))] : []),
    CHAT_DONE,
  ],
}

const named = <Event extends { readonly type: string }>(data: Event): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`

const MESSAGE = {
  ...{ id: 'msg_bench', type: 'message', role: 'assistant', model: 'bench', content: [] },
  ...{ stop_reason: null, stop_sequence: null, usage: { input_tokens: INPUT, output_tokens: 1 } },
}

/** Anthropic's Messages: events with names. */
export const MESSAGES: Stream = {
  head: headOf('text/event-stream'),
  begin: chunk(
    named({ type: 'message_start', message: MESSAGE }) +
      named({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
  ),
  deltas: deltasOf((index) =>
    named({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text: word(index) },
    }),
  ),
  end: (output_tokens) => [
    chunk(named({ type: 'content_block_stop', index: 0 })),
    chunk(
      named({
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: { output_tokens },
      }),
    ),
    Buffer.concat([chunk(named({ type: 'message_stop' })), LAST_CHUNK]),
  ],
}

const line = (content: string, more: object): string =>
  `${JSON.stringify({
    model: 'bench',
    created_at: '2026-01-01T00:00:00.123456789Z',
    message: { role: 'assistant', content },
    ...more,
  })}\n`

/** Ollama's own chat: a JSON object on each line. */
export const OLLAMA: Stream = {
  head: headOf('application/x-ndjson'),
  begin: NOTHING,
  deltas: deltasOf((index) => line(word(index), { done: false })),
  end: (eval_count) => {
    const figures = { prompt_eval_count: INPUT, eval_count, total_duration: 1, eval_duration: 1 }
    const last = chunk(line('', { done: true, done_reason: 'stop', ...figures }))
    return [Buffer.concat([last, LAST_CHUNK])]
  },
}
