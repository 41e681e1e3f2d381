import type { Hono } from 'hono'
import { anthropicMessages } from '../dialects/anthropic/messages.ts'
import { list, object, ref, type Schema, whole } from '../floor/json-schema.ts'
import { countPrompt } from '../gate/count-prompt.ts'
import { type AppParts, begunOf, type Env, plain, routed } from './endpoint.ts'
import type { Operation } from './operation.ts'
import type { Terms } from './selling.ts'

const PATH = `${anthropicMessages.path}/count_tokens`

/**
 * `POST /v1/messages/count_tokens` (Anthropic API reference, "Count Message tokens"): free, and never asked of
 * a backend. Its clients ask before each long request.
 */
export function addCountTokens(app: Hono<Env>, parts: AppParts): void {
  app.post(PATH, async (c) => {
    if (!parts.routes.all.some(({ dialect }) => dialect === anthropicMessages))
      return routed(c, parts)
    const { incoming: request } = c.env
    const received = await parts.receive.body(request, begunOf(c, parts), anthropicMessages)
    if (!received.ok) return plain(c, parts, received.error)
    const incoming = received.value
    try {
      const counted = await countPrompt(parts.counting, anthropicMessages, incoming)
      if (!counted.ok) return await plain(c, parts, counted.error)
      return c.json({ input_tokens: counted.value }, 200, { 'cache-control': 'private, no-store' })
    } finally {
      incoming.letGoOfBody()
    }
  })
}

const OPERATION: Operation = {
  ...{
    path: PATH,
    method: 'post',
    id: 'countMessageTokens',
    needs: 'nothing',
    errors: 'Anthropic',
  },
  summary: 'How many tokens a message has, by the gate’s own count',
  body: { type: 'application/json', schema: 'CountTokensRequest', required: true },
  ok: { 'application/json': ref('CountedTokens') },
  others: [400, 408, 413, 415, 429, 500],
}

/** None if the Messages API is not sold. */
export const countTokensOperations = ({ routes }: Pick<Terms, 'routes'>): readonly Operation[] =>
  routes.some(({ path }) => path === anthropicMessages.path) ? [OPERATION] : []

const BLOCKS: Schema = { anyOf: [{ type: 'string' }, list({ type: 'object' })] }

/** The schemas of this operation. */
export const COUNT_TOKENS_SCHEMAS: Readonly<Record<string, Schema>> = {
  CountTokensRequest: object(['model', 'messages'], {
    model: ref('ModelName'),
    messages: { ...list({ type: 'object' }), minItems: 1 },
    system: BLOCKS,
    tools: list({ type: 'object' }),
  }),
  CountedTokens: object(['input_tokens'], {
    input_tokens: whole(
      'What a backend reports may differ. A very long text is estimated by its length.',
    ),
  }),
}
