import type { Asked, Dialect, Meter } from '../../src/dialects/dialect.ts'
import { openaiChat } from '../../src/dialects/openai/chat.ts'
import { ok } from '../../src/floor/result.ts'

const NOTHING = Buffer.alloc(0)

/** Watches nothing: every byte passes, and nothing is counted but the call itself. */
export const passingMeter = (): Meter => {
  const seen = { output: false, finished: false, finishes: 0, done: false, over: false }
  return {
    ...{ stream: (chunk) => chunk, rest: () => NOTHING, whole: (body) => body },
    ...{ asStream: (body) => body, finish: () => NOTHING, keepAlive: () => NOTHING },
    ...{ cut: () => NOTHING, broken: () => NOTHING, seen: { ...seen, error: null } },
    sofar: () => ({}),
    usage: () => ({ source: 'none', input: 0, cached: 0, output: 0, reportedInput: null }),
  }
}

/** Any HTTP API with a price for each call. Neither the request nor the answer is read. */
export const plainHttp: Dialect = {
  ...{ name: 'http', path: '/', headers: ['accept-language', 'if-none-match'] },
  read: (body, head) =>
    ok({
      ...{ dialect: 'http', body, model: null, stream: false, wantsUsage: false, ignored: [] },
      ...{ limit: null, prompts: 1, longest: 1, choices: 1, hasOutput: false, plain: true },
      ...{ most: { input: 0 }, texts: () => [], ids: 0, parts: 0, splice: head, forget: () => {} },
    } satisfies Asked),
  rewrite: ({ body, splice }) => {
    const { contentType, headers } = splice as Parameters<Dialect['read']>[1]
    return { body, contentType: contentType ?? 'application/octet-stream', headers }
  },
  respell: () => null,
  meter: passingMeter,
  wire: {
    ...openaiChat.wire,
    isStream: () => false,
    isAnswer: (status) => status < 400 || status === 404,
    headers: ['etag', 'location'],
    answerType: (label) => label ?? 'text/plain',
  },
  docs: {
    ...{ name: 'File', summary: 'A file', stream: null, example: () => null },
    request: { type: 'application/octet-stream', schema: {}, parts: {} },
    answer: { type: 'application/octet-stream', schema: {}, parts: {} },
  },
}
