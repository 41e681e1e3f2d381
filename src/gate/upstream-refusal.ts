import type { Msat } from '../money/msat.ts'
import { type Refusal, refuse } from './refusal.ts'
import { type UpstreamSaid, upstreamWords } from './upstream-words.ts'

/** Statuses of the backend that are about the buyer's own request. All others become 502. */
const PASSED = new Set([400, 404, 413, 422, 429])

/**
 * The refusal that a buyer gets if the backend fails. The backend's own text passes only if it is
 * about the buyer's request, and only in plain words (threats J21), because any other text may
 * contain secrets of the operator.
 */
export function upstreamRefusal(
  said: UpstreamSaid | null,
  { stalled, now }: { readonly stalled: boolean; readonly now: number },
): Refusal {
  if (said !== null && PASSED.has(said.status)) {
    const { code, message, param } = upstreamWords(said.status, said.body)
    const seconds = said.status === 429 ? retrySeconds(said.retryAfter, now) : null
    return refuse(said.status, code, message, { param, retryAfterSeconds: seconds })
  }
  if (said === null && stalled) {
    return refuse(
      504,
      'upstream_timeout',
      'The model did not answer in time; nothing was charged.',
      {
        retryAfterSeconds: 5,
      },
    )
  }
  return refuse(502, 'upstream_error', 'The model server failed; nothing was charged.', {
    retryAfterSeconds: 5,
  })
}

/** The backend lacks the API at this path, which could be translated. */
export const noApi = (path: string): Refusal =>
  refuse(
    404,
    'api_not_available',
    `The model server does not have ${path}, and this gate does not translate it (dialects.translate is off). Send the request to /v1/chat/completions.`,
  )

/** The backend lacks the API at this path, and most backends have another one for the same. */
export const otherApi = (path: string, instead: string): Refusal =>
  refuse(
    404,
    'api_not_available',
    `The model server does not have ${path}. Send the request to ${instead}, as that API writes it.`,
  )

/** An answer in one piece that is too large. It is not free, because the buyer chose its length. */
export const tooLarge = (charged: Msat): Refusal =>
  refuse(400, 'answer_too_large', `${TOO_LARGE} ${charged} msat were charged.`)

export const TOO_LARGE =
  'The answer was larger than the 64 MB that an answer in one piece may have: its ceiling is charged. Ask for less, or for a stream.'

/** Seconds to wait if `Retry-After` is neither a number nor a date (RFC 9110 10.2.3). */
const USUAL_WAIT = 5
/** A date begins with the name of a day. `Date.parse` alone would accept almost anything. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*[, ]/
/** Seconds. A backend that names a later time is not believed. */
const YEAR = 366 * 86_400

/** Whole seconds, at least one. */
function retrySeconds(value: string | null, now: number): number {
  const text = value?.trim() ?? ''
  const date = HTTP_DATE.test(text) ? (Date.parse(text) - now) / 1000 : Number.NaN
  const seconds = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : date
  if (Number.isNaN(seconds)) return USUAL_WAIT
  return Math.ceil(Math.min(Math.max(seconds, 1), YEAR))
}
