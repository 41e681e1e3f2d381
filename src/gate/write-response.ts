import type { Asked, Envelope } from '../dialects/dialect.ts'
import { floorSat, type Msat } from '../money/msat.ts'
import type { AnswerHead } from './answer-head.ts'
import type { Held } from './call.ts'
import type { Incoming, Reply } from './ports.ts'
import type { Refusal } from './refusal.ts'

type Headers = Record<string, string | readonly string[]>

/** A stream must pass every proxy on the way unbuffered. */
const STREAM: Headers = {
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/** Answers a refusal in an envelope. Only a 402 has challenges. */
export function answerRefusal(
  errors: Envelope,
  to: {
    readonly incoming: Incoming
    readonly reply: Reply
    readonly refusal: Refusal
    /** Left out if the request was not read. */
    readonly asked?: Asked | undefined
  },
): void {
  const { incoming, reply, refusal } = to
  const { status, offer } = refusal
  const headers: Headers = {
    'content-type': errors.contentType,
    'x-request-id': incoming.id,
    'cache-control': 'no-store',
  }
  // RFC 9110 15.5.6: a 405 must say which methods are allowed.
  if (refusal.allow !== null) headers.allow = refusal.allow
  const wait = waiting(refusal, incoming.at)
  Object.assign(headers, wait.headers)
  if (offer !== null && status === 402) {
    Object.assign(headers, offer.headers)
    if (offer.challenges.length > 0) headers['www-authenticate'] = offer.challenges
  }
  const beside = { ...(offer?.body ?? {}), ...wait.beside, ...refusal.extra }
  reply.head(status, headers)
  const body = json({ ...errors.error(refusal, to.asked ?? null), ...beside })
  reply.end(incoming.method === 'HEAD' ? undefined : body)
}

/** Seconds. SDKs and Codex sleep as long as `Retry-After` says, and Codex does so five times. */
const LONGEST_WAIT = 60

/**
 * When to try again. If it is within a minute, `Retry-After` says so. If it is later, only
 * `resets_at` in the body does, and `X-Should-Retry` keeps OpenAI's SDKs from trying by themselves
 * (threats J25).
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

/** Writes the head of a stream, with the balance before the hold of this request. */
export function openStream(
  held: Held,
  to: { readonly reply: Reply; readonly head: AnswerHead | null; readonly before: Msat | null },
): void {
  const { incoming } = held
  const { before, head, reply } = to
  reply.head(200, {
    ...head?.headers,
    'content-type': held.route.dialect.wire.streamType(head?.label ?? null),
    ...STREAM,
    ...paidHeaders(held, before),
    'x-request-id': incoming.id,
    ...(incoming.trailers ? { trailer: 'X-Cost-Msat' } : {}),
  })
}

/** Statuses of answers that never have a body (RFC 9110 15.3.5 and 15.4.5). */
const BODILESS: ReadonlySet<number> = new Set([204, 304])

/** Writes an answer in one piece, with its cost and what is left. */
export function answerWhole(
  held: Held,
  reply: Reply,
  said: {
    readonly body: Uint8Array
    readonly head: AnswerHead | null
    readonly charged: Msat
    readonly after: Msat | null
  },
): void {
  const { body, head } = said
  const status = head?.status ?? 200
  const type = held.route.dialect.wire.answerType(head?.label ?? null)
  const about = { 'content-type': type, 'content-length': `${body.length}` }
  reply.head(status, {
    ...head?.headers,
    ...(BODILESS.has(status) ? {} : about),
    'cache-control': 'private, no-store',
    'x-request-id': held.incoming.id,
    'x-cost-msat': `${said.charged}`,
    ...paidHeaders(held, said.after),
  })
  reply.end(BODILESS.has(status) ? undefined : body)
}

/**
 * The balance, the output limit if the gate chose it, and the names of the fields that are left
 * out.
 */
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

const json = (body: unknown): Buffer => Buffer.from(JSON.stringify(body))
