import { ok, type Result } from '../../floor/result.ts'
import type { Dialect, Malformed } from '../dialect.ts'
import type { JsonObject } from '../kit/json.ts'
import { Readable } from '../kit/readable.ts'
import { EMBEDDINGS_DOCS } from './docs.ts'
import { embeddingsMeter } from './embed-spelling.ts'
import { ollamaDialect, type Prompt } from './endpoint.ts'
import { EMBEDDINGS } from './fields.ts'
import { textOf } from './request.ts'

/**
 * `POST /api/embeddings` (Ollama API reference, "Generate Embedding"), the older form: one prompt, and
 * an answer without a count, so the gate's own count is charged.
 */
export const ollamaEmbeddings: Dialect = ollamaDialect({
  name: 'ollama-embeddings',
  path: '/api/embeddings',
  key: 'prompt',
  passing: EMBEDDINGS,
  hasOutput: false,
  instead: '/v1/embeddings',
  docs: EMBEDDINGS_DOCS,
  find: prompt,
  meter: embeddingsMeter('embedding'),
})

function prompt(request: JsonObject): Result<Prompt, Malformed> {
  const text = textOf(request, 'prompt')
  if (!text.ok) return text
  const readable = new Readable()
  readable.text(text.value)
  const here = text.value === '' ? () => Buffer.from('{"embedding":[]}') : null
  return ok({ prompts: 1, longest: 1, parts: 1, readable, here })
}
