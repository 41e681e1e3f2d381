import type { Understood } from '../contract/dialect.ts'
import { reads as messagesReads, named } from '../unit/dialects/anthropic/sample.ts'
import { clientReads as ollamaReads } from '../unit/dialects/ollama/lines.ts'
import {
  created,
  delta,
  event,
  message,
  opened,
  repeated,
  response,
  reads as responsesReads,
} from '../unit/dialects/responses/response-events.ts'
import { MEDIA_ROWS } from './api-media-rows.ts'
import { type ApiRow, type Json, openAiRefusal, plain, type Report } from './api-row.ts'
import { READERS } from './readers.ts'

const data = (value: Json): string => `data: ${JSON.stringify(value)}\n\n`
const STREAM = { stream: true }

/** The usage of OpenAI's older APIs. */
const usage = (report: Report | null): Json =>
  report === null
    ? {}
    : { usage: { prompt_tokens: report.input, completion_tokens: report.output } }
const inputUsage = (report: Report | null): Json =>
  report === null ? {} : { usage: { prompt_tokens: report.input, total_tokens: report.input } }

const openAiEnd = (finish: unknown): Understood['end'] =>
  finish === 'length' ? 'limit' : finish === 'stop' ? 'done' : null

function openAiReads(stream: string): Understood {
  const read = READERS.byStandard?.(stream)
  if (read === undefined) throw new Error('no reader')
  const end = read.error !== null ? 'error' : read.done ? openAiEnd(read.finish) : null
  return { made: read.text, end }
}

/** OpenAI's two APIs whose streams are chunks with choices. */
function choices(
  body: ApiRow['body'],
  spells: { readonly whole: (text: string) => Json; readonly piece: (text: string) => Json },
): Omit<ApiRow, 'path'> {
  const chunk = (choice: Json) =>
    data({ id: 'x', created: 7, model: 'fake', choices: [{ index: 0, ...choice }] })
  return {
    body,
    streams: { ...STREAM, stream_options: { include_usage: true } },
    limit: (tokens) => ({ max_tokens: tokens }),
    limitIn: (sent) => sent.max_tokens ?? sent.max_completion_tokens,
    whole: (text, report) => ({
      id: 'x',
      choices: [{ index: 0, ...spells.whole(text), finish_reason: 'stop' }],
      ...usage(report),
    }),
    said: ({ choices: [choice] }) => ({
      made: choice.text ?? choice.message.content,
      end: openAiEnd(choice.finish_reason),
    }),
    refusal: openAiRefusal,
    stream: {
      type: 'text/event-stream',
      opens: chunk({ ...spells.piece(''), finish_reason: null }),
      says: (text) => chunk({ ...spells.piece(text), finish_reason: null }),
      closes: (_, report) =>
        chunk({ ...spells.piece(''), finish_reason: 'stop' }) +
        (report === null ? '' : data({ id: 'x', choices: [], ...usage(report) })) +
        'data: [DONE]\n\n',
      fails: (text) => data({ error: { message: text } }),
      reads: openAiReads,
    },
  }
}

const AT = { model: 'fake', created_at: '2026-01-01T00:00:00Z' }
const counts = (report: Report | null): Json =>
  report === null ? {} : { prompt_eval_count: report.input, eval_count: report.output }

/** Ollama's two APIs with output, which differ in where the text stands. */
function ollama(body: ApiRow['body'], place: (text: string) => Json): Omit<ApiRow, 'path'> {
  const line = (value: Json) => `${JSON.stringify({ ...AT, ...value })}\n`
  const end = (text: string, report: Report | null) => ({
    ...{ ...AT, ...place(text), done: true, done_reason: 'stop', ...counts(report) },
  })
  return {
    body: (prompt) => ({ ...body(prompt), ...{ stream: false } }),
    streams: STREAM,
    limit: (tokens) => ({ options: { num_predict: tokens } }),
    limitIn: (sent) => sent.options.num_predict,
    whole: end,
    said: ({ message: said, response: text, done_reason: why }) => ({
      made: said?.content ?? text,
      end: why === 'length' ? 'limit' : 'done',
    }),
    refusal: ({ error }) => error,
    stream: {
      type: 'application/x-ndjson',
      opens: '',
      says: (text) => line({ ...place(text), done: false }),
      closes: (_, report) => line(end('', report)),
      fails: (text) => `${JSON.stringify({ error: text })}\n`,
      reads: ollamaReads,
    },
  }
}

const messages = (content: string): Json => ({ messages: [{ role: 'user', content }] })

const RESPONSE_USAGE = (report: Report | null): Json => ({
  usage: report === null ? null : { input_tokens: report.input, output_tokens: report.output },
})
const MESSAGE_USAGE = RESPONSE_USAGE

const messagesHead = (content: readonly Json[], more: Json): Json => ({
  ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'fake', content },
  ...{ stop_reason: null, stop_sequence: null, ...more },
})

/** Every API that is served. A new dialect adds a row. */
export const ROWS: readonly ApiRow[] = [
  {
    path: '/v1/chat/completions',
    ...choices(messages, {
      whole: (content) => ({ message: { role: 'assistant', content } }),
      piece: (content) => ({ delta: { content } }),
    }),
  },
  {
    path: '/v1/completions',
    ...choices((prompt) => ({ prompt }), {
      whole: (text) => ({ text }),
      piece: (text) => ({ text }),
    }),
  },
  {
    path: '/v1/embeddings',
    ...plain(({ data: list }) => list),
    body: (input) => ({ input }),
    whole: (_, report) => ({
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.5] }],
      ...inputUsage(report),
    }),
    refusal: openAiRefusal,
  },
  {
    path: '/v1/responses',
    body: (input) => ({ input }),
    streams: STREAM,
    limit: (tokens) => ({ max_output_tokens: tokens }),
    limitIn: (sent) => sent.max_output_tokens,
    whole: (text, report) => response([message(text)], RESPONSE_USAGE(report)),
    said: ({ status, incomplete_details: why, output }) => ({
      made: output
        .map(({ content }: Json) => content.map((one: Json) => one.text).join(''))
        .join(''),
      end: status === 'completed' ? 'done' : why?.reason === 'max_output_tokens' ? 'limit' : null,
    }),
    refusal: openAiRefusal,
    stream: {
      type: 'text/event-stream',
      opens: created + opened,
      says: delta,
      closes: (text, report) =>
        repeated(text) +
        event('response.completed', {
          response: response([message(text)], RESPONSE_USAGE(report)),
        }),
      fails: (text) =>
        event('response.failed', {
          response: response([], { status: 'failed', error: { message: text } }),
        }),
      reads: responsesReads,
    },
  },
  {
    path: '/v1/messages',
    body: messages,
    streams: STREAM,
    limit: (tokens) => ({ max_tokens: tokens }),
    limitIn: (sent) => sent.max_tokens,
    whole: (text, report) =>
      messagesHead([{ type: 'text', text }], {
        stop_reason: 'end_turn',
        ...MESSAGE_USAGE(report),
      }),
    said: ({ content, stop_reason: why }) => ({
      made: content.map(({ text }: Json) => text).join(''),
      end: why === 'max_tokens' ? 'limit' : 'done',
    }),
    refusal: ({ type, error }) => type === 'error' && error?.message,
    stream: {
      type: 'text/event-stream',
      opens:
        named({ type: 'message_start', message: messagesHead([], { usage: null }) }) +
        named({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
      says: (text) =>
        named({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
      closes: (_, report) =>
        named({ type: 'content_block_stop', index: 0 }) +
        named({
          type: 'message_delta',
          delta: { stop_reason: 'end_turn', stop_sequence: null },
          ...MESSAGE_USAGE(report),
        }) +
        named({ type: 'message_stop' }),
      fails: (text) => named({ type: 'error', error: { type: 'overloaded_error', message: text } }),
      reads: messagesReads,
    },
  },
  {
    path: '/api/chat',
    ...ollama(messages, (content) => ({ message: { role: 'assistant', content } })),
  },
  {
    path: '/api/generate',
    ...ollama(
      (prompt) => ({ prompt }),
      (text) => ({ response: text }),
    ),
  },
  {
    path: '/api/embed',
    ...plain(({ embeddings }) => embeddings),
    body: (input) => ({ input }),
    whole: (_, report) => ({
      ...{ model: 'fake', embeddings: [[0.5, -0.5]] },
      ...(report === null ? {} : { prompt_eval_count: report.input }),
    }),
    refusal: ({ error }) => error,
  },
  {
    path: '/api/embeddings',
    ...plain(({ embedding }) => embedding),
    counted: true,
    body: (prompt) => ({ prompt }),
    whole: () => ({ embedding: [0.5, -0.5] }),
    refusal: ({ error }) => error,
  },
  {
    path: '/v1/moderations',
    ...plain(({ results }) => results),
    body: (input) => ({ input }),
    whole: (_, report) => ({ id: 'm', results: [{ flagged: false }], ...inputUsage(report) }),
    refusal: openAiRefusal,
  },
  {
    path: '/v1/rerank',
    ...plain(({ results }) => results),
    body: (query) => ({ query, documents: ['a', 'b'] }),
    whole: (_, report) => ({
      ...{ results: [{ index: 1, relevance_score: 0.5 }], ...inputUsage(report) },
    }),
    refusal: openAiRefusal,
  },
  ...MEDIA_ROWS,
]
