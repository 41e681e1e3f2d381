import { type Field, mp3, png } from './forms.ts'

/**
 * A request and an answer of each API that is sold, by its path. The fake backend gives these answers,
 * and every operation of `/openapi.json` is asked with these requests. A new dialect adds a row.
 */
export interface ApiSample {
  /** A good request without its model, for an answer in one piece. Empty if it is a form. */
  readonly body: Readonly<Record<string, unknown>>
  /** The same for an API that reads forms. */
  readonly form?: readonly Field[]
  /** What makes it a request for a stream. Null if it never streams. */
  readonly stream: Readonly<Record<string, unknown>> | null
  /** What the fake backend answers. Null: it makes the answer itself (`spoken.ts`). */
  readonly answer: {
    readonly type: string
    readonly whole: string
    readonly streamType?: string
    readonly stream?: string
    /** Whether a request asks for a stream. */
    readonly streams?: (request: Readonly<Record<string, unknown>>) => boolean
  } | null
}

// Documented shapes (OpenAI API reference, "Images" and "Audio"); no server was recorded.
const IMAGES = {
  type: 'application/json',
  whole: JSON.stringify({ created: 7, data: [{ b64_json: 'aW1hZ2U=' }] }),
}
const TRANSCRIPT = {
  type: 'application/json',
  whole: JSON.stringify({ task: 'transcribe', language: 'en', duration: 2.4, text: 'a b' }),
}
const PICTURE: Field = ['image', png(), 'a.png']
const RECORDING: Field = ['file', mp3(7_500), 'a.mp3']

const HI = { messages: [{ role: 'user', content: 'hi' }] }
const STREAM = { stream: true }
const JSON_TYPE = 'application/json'

const lines = (...values: readonly object[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join('')

const named = (type: string, data: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`

const MESSAGE = { id: 'msg_1', type: 'message', role: 'assistant' }
const part = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] })
const response = (status: string, output: readonly object[], usage: object | null) => ({
  ...{ id: 'resp_1', object: 'response', created_at: 7, status, model: 'fake', output, usage },
})
const ANSWERED = response(
  'completed',
  [{ ...MESSAGE, status: 'completed', content: [part('a b')] }],
  { input_tokens: 5, output_tokens: 2, total_tokens: 7 },
)
const WHERE = { item_id: 'msg_1', output_index: 0, content_index: 0 }

const AT = { model: 'fake', created_at: '2026-01-01T00:00:00Z' }
const event = (data: { readonly type: string } & Readonly<Record<string, unknown>>): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
const message = (content: readonly object[], more: object = {}) => ({
  ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'fake', content },
  ...{ stop_reason: null, stop_sequence: null, usage: { input_tokens: 5, output_tokens: 1 } },
  ...more,
})
const MESSAGE_END = { stop_reason: 'end_turn', usage: { input_tokens: 5, output_tokens: 2 } }
const textDelta = (text: string) =>
  event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })

const OLLAMA_END = { done: true, done_reason: 'stop', prompt_eval_count: 5, eval_count: 2 }

/** The answers of Ollama's two APIs with output, which differ in where the text stands. */
const ollama = (said: (text: string) => object): ApiSample['answer'] => ({
  type: JSON_TYPE,
  whole: JSON.stringify({ ...AT, ...said('a b'), ...OLLAMA_END }),
  streamType: 'application/x-ndjson',
  stream: lines(
    { ...AT, ...said('a'), done: false },
    { ...AT, ...said(' b'), done: false },
    { ...AT, ...said(''), ...OLLAMA_END },
  ),
  streams: ({ stream }) => stream !== false,
})

export const APIS: Readonly<Record<string, ApiSample>> = {
  '/v1/images/generations': { body: { prompt: 'a cat' }, stream: null, answer: IMAGES },
  '/v1/images/edits': {
    ...{ body: {}, form: [['prompt', 'a hat'], PICTURE], stream: null, answer: IMAGES },
  },
  '/v1/images/variations': { body: {}, form: [PICTURE], stream: null, answer: IMAGES },
  '/v1/audio/speech': {
    body: { input: 'Hello.', voice: 'alloy' },
    stream: null,
    answer: { type: 'audio/mpeg', whole: 'ID3\u0004 some sound' },
  },
  '/v1/audio/transcriptions': { body: {}, form: [RECORDING], stream: null, answer: TRANSCRIPT },
  '/v1/audio/translations': { body: {}, form: [RECORDING], stream: null, answer: TRANSCRIPT },
  '/v1/chat/completions': { body: HI, stream: STREAM, answer: null },
  '/v1/completions': { body: { prompt: 'hi' }, stream: STREAM, answer: null },
  '/v1/embeddings': { body: { input: 'hi' }, stream: null, answer: null },
  '/v1/responses': {
    body: { input: 'hi' },
    stream: STREAM,
    answer: {
      type: JSON_TYPE,
      whole: JSON.stringify(ANSWERED),
      stream: [
        named('response.created', { response: response('in_progress', [], null) }),
        named('response.output_item.added', {
          output_index: 0,
          item: { ...MESSAGE, status: 'in_progress', content: [] },
        }),
        named('response.content_part.added', { ...WHERE, part: part('') }),
        named('response.output_text.delta', { ...WHERE, delta: 'a' }),
        named('response.output_text.delta', { ...WHERE, delta: ' b' }),
        named('response.output_text.done', { ...WHERE, text: 'a b' }),
        named('response.content_part.done', { ...WHERE, part: part('a b') }),
        named('response.output_item.done', { output_index: 0, item: ANSWERED.output[0] }),
        named('response.completed', { response: ANSWERED }),
      ].join(''),
    },
  },
  '/v1/messages': {
    body: { ...HI, max_tokens: 100 },
    stream: STREAM,
    answer: {
      type: JSON_TYPE,
      whole: JSON.stringify(message([{ type: 'text', text: 'a b' }], MESSAGE_END)),
      streamType: 'text/event-stream',
      stream: [
        event({ type: 'message_start', message: message([]) }),
        event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
        `${textDelta('a')}${textDelta(' b')}`,
        event({ type: 'content_block_stop', index: 0 }),
        event({
          type: 'message_delta',
          delta: { stop_reason: 'end_turn', stop_sequence: null },
          usage: { output_tokens: 2 },
        }),
        event({ type: 'message_stop' }),
      ].join(''),
    },
  },
  '/api/chat': {
    body: { ...HI, stream: false },
    stream: STREAM,
    answer: ollama((content) => ({ message: { role: 'assistant', content } })),
  },
  '/api/generate': {
    body: { prompt: 'hi', stream: false },
    stream: STREAM,
    answer: ollama((response) => ({ response })),
  },
  '/api/embed': {
    body: { input: ['hi'] },
    stream: null,
    answer: {
      type: JSON_TYPE,
      whole: JSON.stringify({ model: 'fake', embeddings: [[0.5, -0.5]], prompt_eval_count: 3 }),
    },
  },
  '/api/embeddings': {
    body: { prompt: 'hi' },
    stream: null,
    answer: { type: JSON_TYPE, whole: JSON.stringify({ embedding: [0.5, -0.5] }) },
  },
  '/v1/moderations': {
    body: { input: 'hi' },
    stream: null,
    answer: {
      type: JSON_TYPE,
      whole: JSON.stringify({ id: 'modr-1', model: 'fake', results: [{ flagged: false }] }),
    },
  },
  '/v1/rerank': {
    body: { query: 'hi', documents: ['a', 'b'] },
    stream: null,
    answer: {
      type: JSON_TYPE,
      whole: JSON.stringify({
        model: 'fake',
        usage: { prompt_tokens: 9, total_tokens: 9 },
        results: [
          { index: 1, relevance_score: 0.5 },
          { index: 0, relevance_score: -2 },
        ],
      }),
    },
  },
}
