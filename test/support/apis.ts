/**
 * A request and an answer of each API that is sold, by its path. The fake backend gives these answers,
 * and every operation of `/openapi.json` is asked with these requests. A new dialect adds a row.
 */
export interface ApiSample {
  /** A good request without its model, for an answer in one piece. */
  readonly body: Readonly<Record<string, unknown>>
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

const HI = { messages: [{ role: 'user', content: 'hi' }] }
const STREAM = { stream: true }
const JSON_TYPE = 'application/json'

const lines = (...values: readonly object[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join('')

const ollama = (content: string) => ({
  ...{ model: 'fake', created_at: '2026-01-01T00:00:00Z' },
  message: { role: 'assistant', content },
})
const OLLAMA_END = { done: true, done_reason: 'stop', prompt_eval_count: 5, eval_count: 2 }

export const APIS: Readonly<Record<string, ApiSample>> = {
  '/v1/chat/completions': { body: HI, stream: STREAM, answer: null },
  '/v1/completions': { body: { prompt: 'hi' }, stream: STREAM, answer: null },
  '/v1/embeddings': { body: { input: 'hi' }, stream: null, answer: null },
  '/api/chat': {
    body: { ...HI, stream: false },
    stream: STREAM,
    answer: {
      type: JSON_TYPE,
      whole: JSON.stringify({ ...ollama('a b'), ...OLLAMA_END }),
      streamType: 'application/x-ndjson',
      stream: lines(
        { ...ollama('a'), done: false },
        { ...ollama(' b'), done: false },
        { ...ollama(''), ...OLLAMA_END },
      ),
      streams: ({ stream }) => stream !== false,
    },
  },
}
