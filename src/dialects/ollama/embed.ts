import { err, ok, type Result } from '../../floor/result.ts'
import type { Dialect, Malformed } from '../dialect.ts'
import { notWhole, refuse } from '../kit/checks.ts'
import type { Json, JsonObject } from '../kit/json.ts'
import { Readable } from '../kit/readable.ts'
import { EMBED_DOCS } from './docs.ts'
import { embeddingsMeter } from './embed-spelling.ts'
import { ollamaDialect, type Prompt } from './endpoint.ts'
import { EMBED } from './fields.ts'

const MOST_PROMPTS = 2_048

/** `POST /api/embed` (Ollama API reference, "Generate Embeddings"). Never a stream, no output. */
export const ollamaEmbed: Dialect = ollamaDialect({
  name: 'ollama-embed',
  path: '/api/embed',
  key: 'input',
  passing: EMBED,
  hasOutput: false,
  instead: '/v1/embeddings',
  docs: EMBED_DOCS,
  find: inputs,
  meter: embeddingsMeter('embeddings'),
})

function inputs(request: JsonObject): Result<Prompt, Malformed> {
  const { input } = request
  const texts = listOf(input)
  const dimensions = notWhole(request, 'dimensions', 0, MOST_DIMENSIONS)
  if (dimensions !== null) return err(dimensions)
  if (texts === null) {
    const message = 'input must be a string or a list of strings.'
    return err(refuse('invalid_type', message, 'input'))
  }
  if (texts.length > MOST_PROMPTS) {
    const message = `input has more than ${MOST_PROMPTS} entries. Send them in several requests.`
    return err(refuse('invalid_value', message, 'input'))
  }
  const readable = new Readable()
  let most = 0
  for (const text of texts) {
    const before = readable.bound
    readable.text(text)
    most = Math.max(most, readable.bound - before)
  }
  const longest = most === 0 ? 1 : most / readable.bound
  const prompts = Math.max(1, texts.length)
  const here = texts.length > 0 ? null : () => nothing(request)
  return ok({ prompts, longest, parts: prompts, readable, here })
}

const MOST_DIMENSIONS = 65_536

/** The texts. An empty text alone only loads the model, as no text does. Null if it is none. */
function listOf(input: Json | undefined): readonly string[] | null {
  if (input === undefined || input === null || input === '') return []
  if (typeof input === 'string') return [input]
  return Array.isArray(input) && input.every((one) => typeof one === 'string') ? input : null
}

const nothing = ({ model }: JsonObject): Uint8Array =>
  Buffer.from(JSON.stringify({ model, embeddings: [] }))
