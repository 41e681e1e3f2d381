import { list, object, ref, type Schema, whole } from '../floor/json-schema.ts'
import type { Operation } from './operation.ts'
import type { Terms } from './selling.ts'

/** What `/openapi.json` says of the free count of a message. */

/** The API whose prompts are counted. */
export const MESSAGES = '/v1/messages'
export const COUNT_TOKENS = `${MESSAGES}/count_tokens`

const OPERATION: Operation = {
  ...{
    path: COUNT_TOKENS,
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
  routes.some(({ path }) => path === MESSAGES) ? [OPERATION] : []

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
