import type { Hono } from 'hono'
import { countPrompt } from '../gate/count-prompt.ts'
import { COUNT_TOKENS, MESSAGES } from './count-tokens-operations.ts'
import { type AppParts, begunOf, type Env, plain, routed } from './endpoint.ts'

/**
 * `POST /v1/messages/count_tokens` (Anthropic API reference, "Count Message tokens"): free, and never asked of
 * a backend. Its clients ask before each long request. It is read as a message that is sold.
 */
export function addCountTokens(app: Hono<Env>, parts: AppParts): void {
  app.post(COUNT_TOKENS, async (c) => {
    const sold = parts.routes.find('POST', MESSAGES)
    if (sold.is !== 'route') return routed(c, parts)
    const { dialect } = sold.route
    const received = await parts.receive.body(c.env.incoming, begunOf(c, parts), dialect)
    if (!received.ok) return plain(c, parts, received.error)
    const incoming = received.value
    try {
      const counted = await countPrompt(parts.counting, dialect, incoming)
      if (!counted.ok) return await plain(c, parts, counted.error)
      return c.json({ input_tokens: counted.value }, 200, { 'cache-control': 'private, no-store' })
    } finally {
      incoming.letGoOfBody()
    }
  })
}
