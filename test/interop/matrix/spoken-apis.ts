/** What a scripted model says to one request, and what it counts. */
export interface Saying {
  readonly model: string
  /** The text, a token each. */
  readonly words: readonly string[]
  readonly call: ToolCall | null
  /** Whether the request's own limit ended the text. */
  readonly cut: boolean
  readonly inputTokens: number
}

/** One call of a tool, as the model asks for it. */
export interface ToolCall {
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** What the scripted model must know of a request. */
export interface Heard {
  readonly stream: boolean
  /** The most tokens of output. Null if the request names no limit. */
  readonly limit: number | null
  /** The names of the tools that it may call. */
  readonly tools: readonly string[]
}

/** How one API writes requests and answers: nothing else of the matrix knows it. */
export interface SpokenApi {
  readonly streamType: string
  // biome-ignore lint/suspicious/noExplicitAny: the request of a real client, as it came
  hears(body: any): Heard
  whole(said: Saying): object
  /** The answer in the pieces of its stream. The first ones are those of the words. */
  stream(said: Saying): Iterable<string>
}

const event = (data: object, name?: string): string =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`
const named = <T extends { readonly type: string }>(data: T): string => event(data, data.type)
const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null)
const textOf = (said: Saying): string => said.words.join('')
const outputTokens = ({ words, call }: Saying): number => words.length + (call === null ? 0 : 10)

const chat: SpokenApi = {
  streamType: 'text/event-stream',
  hears: ({ stream, max_tokens, max_completion_tokens, tools = [] }) => ({
    stream: stream === true,
    limit: numberOf(max_completion_tokens ?? max_tokens),
    tools: tools.map((tool: { function?: { name?: string } }) => tool.function?.name ?? ''),
  }),
  whole: (said) => ({
    ...chatHead(said, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: textOf(said), ...chatCalls(said) },
        finish_reason: chatEnd(said),
      },
    ],
    usage: chatUsage(said),
  }),
  *stream(said) {
    const chunk = (delta: object, finish_reason: string | null = null) =>
      event({
        ...chatHead(said, 'chat.completion.chunk'),
        choices: [{ index: 0, delta, finish_reason }],
      })
    yield chunk({ role: 'assistant', content: '' })
    for (const word of said.words) yield chunk({ content: word })
    if (said.call !== null) yield chunk(chatCalls(said))
    yield chunk({}, chatEnd(said))
    yield event({
      ...chatHead(said, 'chat.completion.chunk'),
      choices: [],
      usage: chatUsage(said),
    })
    yield 'data: [DONE]\n\n'
  },
}

const chatHead = ({ model }: Saying, object: string) => ({
  ...{ id: 'chatcmpl-1', object, created: 1, model },
})
const chatCalls = ({ call }: Saying) => {
  if (call === null) return {}
  const written = { name: call.name, arguments: JSON.stringify(call.arguments) }
  return { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: written }] }
}
const chatEnd = ({ cut, call }: Saying) => {
  if (cut) return 'length'
  return call === null ? 'stop' : 'tool_calls'
}
const chatUsage = (said: Saying) => ({
  prompt_tokens: said.inputTokens,
  completion_tokens: outputTokens(said),
  total_tokens: said.inputTokens + outputTokens(said),
})

const responses: SpokenApi = {
  streamType: 'text/event-stream',
  hears: ({ stream, max_output_tokens, tools = [] }) => ({
    stream: stream === true,
    limit: numberOf(max_output_tokens),
    tools: tools.map((tool: { name?: string }) => tool.name ?? ''),
  }),
  whole: (said) => response(said, [outputItem(said, 'completed')]),
  *stream(said) {
    let sequence_number = 0
    const tell = (type: string, more: object) =>
      named({ type, sequence_number: sequence_number++, ...more })
    const at = { item_id: itemId(said), output_index: 0 }
    const inText = { ...at, content_index: 0 }
    yield tell('response.created', { response: { ...response(said, []), ...RUNNING } })
    yield tell('response.in_progress', { response: { ...response(said, []), ...RUNNING } })
    const empty = { ...said, words: [], call: said.call && { ...said.call, arguments: {} } }
    yield tell('response.output_item.added', {
      output_index: 0,
      item: outputItem(empty, 'in_progress'),
    })
    if (said.call === null) {
      yield tell('response.content_part.added', { ...inText, part: outputText('') })
      for (const word of said.words) {
        yield tell('response.output_text.delta', { ...inText, delta: word, logprobs: [] })
      }
      const text = textOf(said)
      yield tell('response.output_text.done', { ...inText, text, logprobs: [] })
      yield tell('response.content_part.done', { ...inText, part: outputText(text) })
    } else {
      const written = JSON.stringify(said.call.arguments)
      yield tell('response.function_call_arguments.delta', { ...at, delta: written })
      yield tell('response.function_call_arguments.done', { ...at, arguments: written })
    }
    const item = outputItem(said, said.cut ? 'incomplete' : 'completed')
    yield tell('response.output_item.done', { output_index: 0, item })
    const type = said.cut ? 'response.incomplete' : 'response.completed'
    yield tell(type, { response: response(said, [item]) })
  },
}

const RUNNING = { status: 'in_progress', incomplete_details: null, usage: null }
const itemId = ({ call }: Saying) => (call === null ? 'msg_1' : 'fc_1')
const outputText = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] })

const outputItem = (said: Saying, status: string) =>
  said.call === null
    ? {
        ...{ type: 'message', id: 'msg_1', role: 'assistant', status },
        content: status === 'in_progress' ? [] : [outputText(textOf(said))],
      }
    : {
        ...{ type: 'function_call', id: 'fc_1', call_id: 'call_1', status },
        ...{ name: said.call.name },
        arguments: status === 'in_progress' ? '' : JSON.stringify(said.call.arguments),
      }

const response = (said: Saying, output: readonly object[]) => ({
  ...{ id: 'resp_1', object: 'response', created_at: 1, model: said.model, output },
  status: said.cut ? 'incomplete' : 'completed',
  incomplete_details: said.cut ? { reason: 'max_output_tokens' } : null,
  ...{ error: null, instructions: null, metadata: {}, parallel_tool_calls: true, store: false },
  ...{ temperature: 1, top_p: 1, tool_choice: 'auto', tools: [] },
  usage: {
    input_tokens: said.inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens(said),
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: said.inputTokens + outputTokens(said),
  },
})

const messages: SpokenApi = {
  streamType: 'text/event-stream',
  hears: ({ stream, max_tokens, tools = [] }) => ({
    stream: stream === true,
    limit: numberOf(max_tokens),
    tools: tools.map((tool: { name?: string }) => tool.name ?? ''),
  }),
  whole: (said) => ({ ...message(said), content: [block(said)] }),
  *stream(said) {
    const start = { ...message(said), content: [], stop_reason: null }
    const usage = { input_tokens: said.inputTokens, output_tokens: 1 }
    yield named({ type: 'message_start', message: { ...start, usage } })
    const at = { index: 0 }
    const opened = said.call === null ? { ...block(said), text: '' } : { ...block(said), input: {} }
    yield named({ type: 'content_block_start', ...at, content_block: opened })
    for (const text of said.call === null ? said.words : []) {
      yield named({ type: 'content_block_delta', ...at, delta: { type: 'text_delta', text } })
    }
    if (said.call !== null) {
      const partial_json = JSON.stringify(said.call.arguments)
      const delta = { type: 'input_json_delta', partial_json }
      yield named({ type: 'content_block_delta', ...at, delta })
    }
    yield named({ type: 'content_block_stop', ...at })
    const { stop_reason, stop_sequence } = message(said)
    yield named({
      type: 'message_delta',
      delta: { stop_reason, stop_sequence },
      usage: { output_tokens: outputTokens(said) },
    })
    yield named({ type: 'message_stop' })
  },
}

const message = (said: Saying) => ({
  ...{ id: 'msg_1', type: 'message', role: 'assistant', model: said.model, stop_sequence: null },
  stop_reason: messageEnd(said),
  usage: { input_tokens: said.inputTokens, output_tokens: outputTokens(said) },
})
const messageEnd = ({ cut, call }: Saying) => {
  if (cut) return 'max_tokens'
  return call === null ? 'end_turn' : 'tool_use'
}
const block = (said: Saying) =>
  said.call === null
    ? { type: 'text', text: textOf(said) }
    : { type: 'tool_use', id: 'toolu_1', name: said.call.name, input: said.call.arguments }

/** `/api/chat`, and with `text` the lines of `/api/generate`. */
const ollama = (text: boolean): SpokenApi => {
  const line = ({ model }: Saying, content: string, call: ToolCall | null = null) => ({
    ...{ model, created_at: '2026-01-01T00:00:00Z' },
    ...(text
      ? { response: content }
      : {
          message: {
            ...{ role: 'assistant', content },
            ...(call === null ? {} : { tool_calls: [{ function: call }] }),
          },
        }),
    done: false,
  })
  const end = (said: Saying) => ({
    ...{ done: true, done_reason: said.cut ? 'length' : 'stop' },
    ...{ total_duration: 1, load_duration: 1, prompt_eval_duration: 1, eval_duration: 1 },
    ...{ prompt_eval_count: said.inputTokens, eval_count: outputTokens(said) },
  })
  return {
    streamType: 'application/x-ndjson',
    hears: ({ stream, options, tools = [] }) => ({
      stream: stream !== false,
      limit: numberOf(options?.num_predict),
      tools: tools.map((tool: { function?: { name?: string } }) => tool.function?.name ?? ''),
    }),
    whole: (said) => ({ ...line(said, textOf(said), said.call), ...end(said) }),
    *stream(said) {
      for (const word of said.words) yield `${JSON.stringify(line(said, word))}\n`
      if (said.call !== null) yield `${JSON.stringify(line(said, '', said.call))}\n`
      yield `${JSON.stringify({ ...line(said, ''), ...end(said) })}\n`
    },
  }
}

/** The APIs that the scripted model speaks, by their path. */
export const SPOKEN: Readonly<Record<string, SpokenApi>> = {
  '/v1/chat/completions': chat,
  '/v1/responses': responses,
  '/v1/messages': messages,
  '/api/chat': ollama(false),
  '/api/generate': ollama(true),
}
