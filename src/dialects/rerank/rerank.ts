import { err, ok, type Result } from '../../floor/result.ts'
import type { Dialect, Malformed } from '../dialect.ts'
import { notBoolean, notWhole, refuse, unpriced } from '../kit/checks.ts'
import { type Input, inputDialect } from '../kit/input-dialect.ts'
import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { isMedia } from '../kit/media-keys.ts'
import type { OnePiece } from '../kit/one-piece.ts'
import { Readable } from '../kit/readable.ts'
import { countIn } from '../kit/usage-report.ts'
import { openAiErrors } from '../openai/errors.ts'
import { RERANK_DOCS } from './docs.ts'

const MOST_DOCUMENTS = 2_048
/** The most tokens that a template puts around a query and a document. Qwen's has some 80. */
const AROUND = 128
/** Bytes of a query, repeated for each document, that an estimate counts. */
const MOST_COUNTED = 256 * 1024

/**
 * Fields of Jina, Cohere, vLLM and llama.cpp. `max_chunks_per_doc` and `overlap_tokens` are not among
 * them: with every piece of a document, the model reads the query again.
 */
const PASSED: ReadonlySet<string> = new Set([
  ...['model', 'query', 'documents', 'top_n', 'return_documents', 'max_tokens_per_doc'],
  ...['max_doc_length', 'truncation', 'rank_fields', 'normalize'],
])

/**
 * Jina and vLLM report `usage`, Cohere `meta.tokens`. Its search units are no tokens.
 */
const ANSWER: OnePiece = {
  results({ results, data }) {
    const list = results ?? data
    return Array.isArray(list) && list.every(isRanked) ? list.length : null
  },
  input({ usage, meta }) {
    const tokens = isObject(meta) && isObject(meta.tokens) ? meta.tokens : {}
    const report = isObject(usage) ? usage : {}
    return (
      countIn(report.prompt_tokens) ?? countIn(report.total_tokens) ?? countIn(tokens.input_tokens)
    )
  },
}

const isRanked = (result: Json): boolean => isObject(result) && typeof result.index === 'number'

/** `POST /v1/rerank` (Jina, Cohere, vLLM and llama.cpp, in the form that they share). */
export const rerank: Dialect = inputDialect({
  name: 'rerank',
  path: '/v1/rerank',
  passed: PASSED,
  find,
  answer: ANSWER,
  errors: openAiErrors,
  docs: RERANK_DOCS,
})

function find(request: JsonObject): Result<Input, Malformed> {
  const { query, documents } = request
  if (typeof query !== 'string')
    return err(refuse('invalid_type', 'query must be a string.', 'query'))
  if (!Array.isArray(documents) || documents.length === 0) {
    const message = 'documents must be a list of at least one string or {"text": "…"}.'
    return err(refuse('invalid_type', message, 'documents'))
  }
  if (documents.length > MOST_DOCUMENTS) {
    const message = `documents has more than ${MOST_DOCUMENTS} entries. Send them in several requests.`
    return err(refuse('invalid_value', message, 'documents'))
  }
  const refusal = unclear(request)
  return refusal === null ? pairs(query, documents) : err(refusal)
}

function unclear(request: JsonObject): Malformed | null {
  const { rank_fields: fields } = request
  const names = Array.isArray(fields) && fields.every((one) => typeof one === 'string')
  if (fields !== undefined && fields !== null && !names)
    return refuse('invalid_type', 'rank_fields must be a list of strings.', 'rank_fields')
  return (
    notBoolean(request.return_documents, 'return_documents') ??
    notBoolean(request.truncation, 'truncation') ??
    notBoolean(request.normalize, 'normalize') ??
    notWhole(request, 'top_n', 0) ??
    notWhole(request, 'max_tokens_per_doc', 1) ??
    notWhole(request, 'max_doc_length', 1)
  )
}

/**
 * The model reads the query once with each document (threats L19). An estimate counts the query as
 * often, up to so many bytes; the rest stands in the estimate with its bound.
 */
function pairs(query: string, documents: readonly Json[]): Result<Input, Malformed> {
  const readable = new Readable()
  let longest = 0
  for (const [at, document] of documents.entries()) {
    const before = readable.bound
    const refusal = addDocument(document, { readable, param: `documents[${at}]` })
    if (refusal !== null) return err(refusal)
    longest = Math.max(longest, readable.bound - before)
  }
  const whole = new Readable()
  whole.text(query)
  const often = Math.min(documents.length, 1 + Math.floor(MOST_COUNTED / (query.length + 1)))
  for (let times = 0; times < often; times += 1) readable.text(query)
  readable.tokens((documents.length - often) * whole.bound)
  const share = readable.bound === 0 ? 1 : (longest + whole.bound) / readable.bound
  return ok({ prompts: documents.length, longest: share, around: AROUND, readable })
}

function addDocument(
  document: Json,
  { readable, param }: { readonly readable: Readable; readonly param: string },
): Malformed | null {
  if (typeof document === 'string') {
    readable.text(document)
    return null
  }
  if (!isObject(document))
    return refuse('invalid_type', `${param} must be a string or {"text": "…"}.`, param)
  for (const [key, value] of Object.entries(document)) {
    if (value !== null && isMedia(key)) return unpriced(`${param}.${key.slice(0, 64)}`)
  }
  readable.value(document)
  return null
}
