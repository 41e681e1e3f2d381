import type { Asked, Dialect } from '../../src/dialects/dialect.ts'
import { isObject } from '../../src/dialects/kit/json.ts'
import { readObject } from '../../src/dialects/kit/json-object.ts'
import { object, text } from '../../src/floor/json-schema.ts'
import { err, ok } from '../../src/floor/result.ts'
import { passingMeter } from './plain-http.ts'

/**
 * Tool calls in the form of MCP. A method has the price of the model with its name, a tool the
 * price of `tools/call:NAME`. Errors repeat the id of the request. A notification is answered with
 * 202 and no body. The backend names its session in a header, which the client sends back.
 */
export const jsonRpc: Dialect = {
  ...{ name: 'json-rpc', path: '/mcp', headers: ['mcp-session-id', 'mcp-protocol-version'] },
  read(body, head) {
    const read = readObject(body)
    if (!read.ok) return err(refused(read.error.message))
    const { id = null, method, params } = read.value.value
    if (typeof method !== 'string') return err(refused('method must be the name of a method.'))
    const tool = isObject(params) && method === 'tools/call' ? `:${params.name}` : ''
    return ok({
      ...{ dialect: 'json-rpc', body, model: method + tool, stream: false, wantsUsage: false },
      ...{ ignored: [], limit: null, prompts: 1, longest: 1, choices: 1, hasOutput: false },
      ...{ plain: true, most: { input: 0 }, texts: () => [], ids: 0, parts: 0 },
      ...{ splice: { id, head }, forget: () => {} },
    } satisfies Asked)
  },
  rewrite: ({ body, splice }) => ({
    ...{ body, contentType: 'application/json' },
    headers: (splice as { head: { headers: Record<string, string> } }).head.headers,
  }),
  respell: () => null,
  meter: passingMeter,
  wire: {
    streamType: () => 'text/event-stream',
    answerType: (label) => label ?? 'application/json',
    isAnswer: (status) => status === 200 || status === 202,
    headers: ['mcp-session-id'],
    isStream: () => false,
    errors: {
      ...{ name: 'JsonRpc', contentType: 'application/json', parts: {} },
      error: ({ status, message }, asked) => ({
        jsonrpc: '2.0',
        id: (asked?.splice as { id: unknown } | undefined)?.id ?? null,
        error: { code: -32_000 - status, message },
      }),
      schema: {
        jsonrpc: { const: '2.0' },
        id: {},
        error: object(['message'], { message: text() }),
      },
    },
  },
  docs: {
    ...{ name: 'Rpc', summary: 'A call of a tool', stream: null, example: () => null },
    request: {
      type: 'application/json',
      schema: object(['method'], { method: text() }),
      parts: {},
    },
    answer: { type: 'application/json', schema: {}, parts: {} },
  },
}

const refused = (message: string) => ({
  status: 400,
  code: 'invalid_request',
  message,
  param: null,
})
