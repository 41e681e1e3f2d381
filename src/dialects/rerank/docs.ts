import { flag, list, object, ref, text, whole } from '../../floor/json-schema.ts'
import type { Docs } from '../dialect.ts'

const JSON_TYPE = 'application/json'

/** What `/openapi.json` and `/llms.txt` say of reranking. */
export const RERANK_DOCS: Docs = {
  name: 'Rerank',
  summary: 'Reranking',
  request: {
    type: JSON_TYPE,
    schema: object(['model', 'query', 'documents'], {
      model: ref('ModelName'),
      query: text(),
      documents: {
        type: 'array',
        minItems: 1,
        items: { anyOf: [{ type: 'string' }, { type: 'object' }] },
        description: 'Texts, or objects with a text. The query is paid for with each of them.',
      },
      top_n: { type: 'integer', minimum: 0 },
      return_documents: flag,
      max_tokens_per_doc: { type: 'integer', minimum: 1 },
    }),
    parts: {},
  },
  answer: {
    type: JSON_TYPE,
    schema: object([], {
      results: list(object(['index'], { index: whole(), relevance_score: { type: 'number' } })),
    }),
    parts: {},
  },
  stream: null,
  example: () => null,
}
