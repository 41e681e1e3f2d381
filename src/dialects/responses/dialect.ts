import { assert } from '../../floor/assert.ts'
import { type Asked, type Dialect, UNKNOWN_TERMS, type Wire } from '../dialect.ts'
import { cacheKeys } from '../kit/cache-keys.ts'
import { splice } from '../kit/json-object.ts'
import { ResponseUsage } from '../kit/response-usage.ts'
import { EVENT_STREAM, isEventStream, isLabelledEvents } from '../kit/sniff-sse.ts'
import { openAiErrors } from '../openai/errors.ts'
import { JSON_TYPE, RESPONSES_DOCS } from './docs.ts'
import { ResponsesMeter } from './meter.ts'
import { type Kept, NAME, readRequest } from './request.ts'
import { OFF, respell } from './respell.ts'
import { ResponsesSpelling } from './spelling.ts'

const STREAM_TYPE = `${EVENT_STREAM}; charset=utf-8`
const WIRE: Wire = {
  streamType: () => STREAM_TYPE,
  isAnswer: (status) => status === 200,
  headers: [],
  answerType: (label) => (label === null || isLabelledEvents(label) ? JSON_TYPE : label),
  isStream: isEventStream,
  errors: openAiErrors,
}

/**
 * `POST /v1/responses` (OpenAI API reference, "Create a model response"), without what is kept at the
 * upstream: each request has its whole conversation in it.
 */
export const openaiResponses: Dialect = {
  name: NAME,
  path: '/v1/responses',
  headers: [],
  read: (body, _, terms = UNKNOWN_TERMS) => readRequest(body, terms),
  rewrite(asked, output, backend, refused = new Set(), cacheKey = undefined) {
    assert(Number.isSafeInteger(output) && output >= 0, `not an output limit: ${output}`)
    const { document, gone, anew } = kept(asked)
    const salted = backend === 'vllm' && !refused.has('cache_salt')
    const keys = cacheKeys(document.value, cacheKey ?? null, salted)
    const limit = `"max_output_tokens":${Math.max(1, output)}`
    const off = OFF.filter((field) => !refused.has(field)).map((field) => `"${field}":false`)
    const left = new Set([...gone, ...keys.gone, 'max_output_tokens'])
    const body = splice(document, left, [...anew, limit, ...off, ...keys.added])
    return { body, contentType: JSON_TYPE, headers: {}, ownCache: keys.salted }
  },
  respell,
  meter(asked, granted) {
    const usage = new ResponseUsage({ asked, granted, prompts: 1, shown: 1 })
    return new ResponsesMeter(new ResponsesSpelling(usage, { asked, granted }), {
      usage,
      asked,
      granted,
    })
  },
  wire: WIRE,
  docs: RESPONSES_DOCS,
}

function kept(asked: Asked): Kept {
  assert(asked.dialect === NAME, 'a request that another dialect has read')
  return asked.splice as Kept
}
