import { rerank } from '../../../../src/dialects/rerank/rerank.ts'
import { runDialectContract } from '../../../contract/dialect.ts'
import { dataUrl, png } from '../../../support/pictures.ts'

const REQUEST = { model: 'bge', query: 'What is a panda?', documents: ['hi', 'it is a bear'] }
const request = (more: object) => JSON.stringify({ ...REQUEST, ...more })

const RESULTS = [
  { index: 1, relevance_score: 0.9, document: { text: 'it is a bear' } },
  { index: 0, relevance_score: -4.2 },
]

/** Answers as they are documented by llama.cpp, vLLM, Jina, Cohere and Voyage. */
const ANSWERS = {
  'llama.cpp': {
    model: 'bge',
    object: 'list',
    usage: { prompt_tokens: 16, total_tokens: 16 },
    results: RESULTS,
  },
  vLLM: { id: 'rerank-1', model: 'bge', usage: { total_tokens: 16 }, results: RESULTS },
  Jina: { model: 'bge', object: 'list', usage: { total_tokens: 16 }, results: RESULTS },
  Cohere: {
    id: '1',
    results: RESULTS,
    meta: {
      api_version: { version: '2' },
      billed_units: { search_units: 1 },
      tokens: { input_tokens: 16 },
    },
  },
  Voyage: { object: 'list', data: RESULTS, model: 'bge', usage: { total_tokens: 16 } },
}

for (const answer of Object.values(ANSWERS)) {
  runDialectContract(rerank, {
    request: request({}),
    model: 'bge',
    refused: [
      ...['{}', '[]', '{"model":"bge"}', '{"model":"bge","query":"a"}'],
      request({ model: undefined }),
      request({ Query: 'a' }),
      ...[1, null, {}, ['a']].map((query) => request({ query })),
      ...[1, null, 'a', {}, [], [1], [null], [['a']]].map((documents) => request({ documents })),
      request({ documents: [{ image: dataUrl(png([1, 1])) }] }),
      request({ documents: Array(2_049).fill('a') }),
      ...[1.5, -1, '3', {}].map((top_n) => request({ top_n })),
      request({ return_documents: 'yes' }),
      request({ max_tokens_per_doc: 0 }),
      request({ rank_fields: 'text' }),
    ],
    answer: JSON.stringify(answer),
    noAnswers: [
      ...['{"error":{"message":"no"}}', '{"results":{}}', '{"results":["no"]}', '{"results":[{}]}'],
      JSON.stringify({ ...answer, error: 'no' }),
    ],
    usage: { input: 16, output: 0 },
    streaming: null,
  })
}
