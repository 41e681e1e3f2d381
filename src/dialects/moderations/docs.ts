import { flag, list, object, ref, text } from '../../floor/json-schema.ts'
import type { Docs } from '../dialect.ts'

const JSON_TYPE = 'application/json'

/** What `/openapi.json` and `/llms.txt` say of moderations. */
export const MODERATION_DOCS: Docs = {
  name: 'Moderation',
  summary: 'Moderations',
  request: {
    type: JSON_TYPE,
    schema: object(['model', 'input'], {
      model: ref('ModelName'),
      input: {
        anyOf: [{ type: 'string' }, { type: 'array', minItems: 1 }],
        description: 'A text, a list of texts, or a list of parts: text, image_url.',
      },
    }),
    parts: {},
  },
  answer: {
    type: JSON_TYPE,
    schema: object(['results'], {
      id: text(),
      model: text(),
      results: list(object([], { flagged: flag, categories: { type: 'object' } })),
    }),
    parts: {},
  },
  stream: null,
  example: () => null,
}
