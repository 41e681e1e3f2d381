import type { Envelope } from '../dialects/dialect.ts'
import { floorSat, type Msat } from '../money/msat.ts'
import type { Held } from './call.ts'
import type { Incoming, Reply } from './ports.ts'
import { type Refusal, refuse } from './refusal.ts'
import { type UpstreamSaid, upstreamWords } from './upstream-words.ts'

type Headers = Record<string, string | readonly string[]>

/** A stream must pass every proxy on the way unbuffered. */
const STREAM: Headers = {
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/** Answers a refusal in an envelope. Challenges leave on a 402 and on nothing else. */
export function answerRefusal(
  errors: Envelope,
  to: { readonly incoming: Incoming; readonly reply: Reply; readonly refusal: Refusal },
): void {
  const { incoming, reply, refusal } = to
  const { status, offer } = refusal
  const headers: Headers = {
    'content-type': errors.contentType,
    'x-request-id': incoming.id,
    'cache-control': 'no-store',
  }
  // RFC 9110 15.5.6: a 405 says what is allowed.
  if (refusal.allow !== null) headers.allow = refusal.allow
  const wait = waiting(refusal, incoming.at)
  Object.assign(headers, wait.headers)
  if (offer !== null && status === 402) {
    Object.assign(headers, offer.headers)
    if (offer.challenges.length > 0) headers['www-authenticate'] = offer.challenges
  }
  const beside = { ...(offer?.body ?? {}), ...wait.beside, ...refusal.extra }
  reply.head(status, headers)
  const body = json({ ...errors.error(refusal), ...beside })
  reply.end(incoming.method === 'HEAD' ? undefined : body)
}

/** Seconds. Two families of SDKs and Codex sleep as long as they are told, Codex five times over. */
const LONGEST_WAIT = 60

/**
 * When to try again: within a minute by `Retry-After`, later by the body's `resets_at` alone, and a
 * client that obeys the header of OpenAI's SDKs does not try by itself (threats J25).
 */
function waiting(
  { retryAfterSeconds: seconds }: Refusal,
  at: number,
): { readonly headers: Headers; readonly beside: { readonly resets_at?: string } } {
  if (seconds === null) return { headers: {}, beside: {} }
  if (seconds <= LONGEST_WAIT) return { headers: { 'retry-after': `${seconds}` }, beside: {} }
  const resets_at = new Date(at + seconds * 1000).toISOString()
  return { headers: { 'x-should-retry': 'false' }, beside: { resets_at } }
}

/** The head of a stream: the balance before this request's hold. */
export function openStream(held: Held, reply: Reply, before: Msat | null): void {
  const { incoming } = held
  reply.head(200, {
    'content-type': held.route.dialect.wire.streamType,
    ...STREAM,
    ...paidHeaders(held, before),
    'x-request-id': incoming.id,
    ...(incoming.trailers ? { trailer: 'X-Cost-Msat' } : {}),
  })
}

/** A buffered answer with what it cost and what is left. */
export function answerWhole(
  held: Held,
  reply: Reply,
  said: {
    readonly body: Uint8Array
    readonly contentType: string
    readonly charged: Msat
    readonly after: Msat | null
  },
): void {
  reply.head(200, {
    'content-type': said.contentType,
    'cache-control': 'private, no-store',
    'x-request-id': held.incoming.id,
    'content-length': `${said.body.length}`,
    'x-cost-msat': `${said.charged}`,
    ...paidHeaders(held, said.after),
  })
  reply.end(said.body)
}

/** Whole sats rounded down, the exact msat, the limit where the gate chose it, fields left out. */
function paidHeaders(held: Held, balance: Msat | null): Headers {
  const headers: Headers = {}
  if (balance !== null) {
    headers['x-credit-balance'] = `${floorSat(balance)}`
    headers['x-credit-balance-msat'] = `${balance}`
  }
  if (held.asked.hasOutput && held.limit !== held.asked.limit) {
    headers['x-max-tokens-applied'] = `${held.limit}`
  }
  const { ignored } = held.asked
  if (ignored.length > 0) headers['x-satgate-ignored'] = ignored.join(', ')
  return headers
}

/** Upstream statuses that say something of the buyer's own request pass; all others are a 502. */
const PASSED = new Set([400, 404, 413, 422, 429])

/**
 * What an upstream's failure becomes for the buyer. Its text passes only where it speaks of the
 * buyer's request, and only in plain words (threats J21): anything else may hold the operator's own.
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

/** An answer that was not streamed and grew too large. The buyer chose its length: no retry, not free. */
export const tooLarge = (charged: Msat): Refusal =>
  refuse(400, 'answer_too_large', `${TOO_LARGE} ${charged} msat were charged.`)

export const TOO_LARGE =
  'The answer was larger than the 64 MB that an answer in one piece may have: its ceiling is charged. Ask for less, or for a stream.'

/** Of a `Retry-After` that says neither seconds nor a date (RFC 9110 10.2.3). */
const USUAL_WAIT = 5
/** A day's name first; `Date.parse` alone would read a date into almost anything. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*[, ]/
/** Further away no backend's word is believed. */
const YEAR = 366 * 86_400

/** Whole seconds, one at least. */
function retrySeconds(value: string | null, now: number): number {
  const text = value?.trim() ?? ''
  const date = HTTP_DATE.test(text) ? (Date.parse(text) - now) / 1000 : Number.NaN
  const seconds = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : date
  if (Number.isNaN(seconds)) return USUAL_WAIT
  return Math.ceil(Math.min(Math.max(seconds, 1), YEAR))
}

const json = (body: unknown): Buffer => Buffer.from(JSON.stringify(body))
