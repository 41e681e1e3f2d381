import type { Asked, Envelope } from '../dialects/dialect.ts'
import { floorSat, type Msat } from '../money/msat.ts'
import type { AnswerHead } from './answer-head.ts'
import type { Held } from './call.ts'
import { replaced } from './carrying.ts'
import type { FlatHeaders, Incoming, Reply } from './ports.ts'
import type { Refusal } from './refusal.ts'

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
  const { status, offer, stored } = refusal
  if (stored !== null) {
    reply.head(status, [...stored.headers, 'x-request-id', incoming.id])
    reply.end(stored.body)
    return
  }
  const own = ['content-type', errors.contentType, 'x-request-id', incoming.id]
  own.push('cache-control', 'no-store')
  // RFC 9110 15.5.6: a 405 must say which methods are allowed.
  if (refusal.allow !== null) own.push('allow', refusal.allow)
  const wait = waiting(refusal, incoming.at)
  own.push(...wait.headers)
  const headers = replaced(own, refusal.headers)
  reply.head(status, offer !== null && status === 402 ? offering(headers, offer) : headers)
  if (incoming.method === 'HEAD') {
    reply.end()
    return
  }
  const error = errors.error(refusal, to.asked ?? null)
  const fields = JSON.stringify({ ...error, ...wait.beside, ...refusal.extra })
  reply.end(Buffer.from(offer === null ? fields : joined(fields, offer.beside)))
}

/** Adds the headers and the challenges of an offer. */
function offering(headers: FlatHeaders, offer: NonNullable<Refusal['offer']>): FlatHeaders {
  const all = [...replaced(headers, offer.headers)]
  for (const challenge of offer.challenges) all.push('www-authenticate', challenge)
  return all
}

/** One object of the members of two, all as JSON. Both have members, and none has the same name. */
const joined = (a: string, b: string): string => `${a.slice(0, -1)},${b.slice(1)}`

/** Seconds. SDKs and Codex sleep as long as `Retry-After` says, and Codex does so five times. */
const LONGEST_WAIT = 60
const AT_ONCE = { headers: [], beside: {} }

/**
 * When to try again. If it is within a minute, `Retry-After` says so. If it is later, only
 * `resets_at` in the body does, and `X-Should-Retry` keeps OpenAI's SDKs from trying by themselves
 * (threats J25).
 */
function waiting(
  { retryAfterSeconds: seconds }: Refusal,
  at: number,
): { readonly headers: FlatHeaders; readonly beside: { readonly resets_at?: string } } {
  if (seconds === null) return AT_ONCE
  if (seconds <= LONGEST_WAIT) return { headers: ['retry-after', `${seconds}`], beside: {} }
  const resets_at = new Date(at + seconds * 1000).toISOString()
  return { headers: ['x-should-retry', 'false'], beside: { resets_at } }
}

/** Writes the head of a stream, with the balance before the hold of this request. */
export function openStream(
  held: Held,
  to: { readonly reply: Reply; readonly head: AnswerHead | null; readonly before: Msat | null },
): void {
  const { incoming } = held
  const { before, head, reply } = to
  const headers = [
    ...passedOn(head),
    'content-type',
    held.route.dialect.wire.streamType(head?.label ?? null),
    // It is for this buyer alone (threats F7), and must pass every proxy on the way unbuffered.
    'cache-control',
    'private, no-store, no-transform',
    'x-accel-buffering',
    'no',
  ]
  pushPaid(headers, held, before)
  headers.push('x-request-id', incoming.id)
  if (incoming.trailers) headers.push('trailer', 'X-Cost-Msat')
  reply.head(200, headers)
}

/** Headers that the gate writes itself. A backend's own of that name is not passed on. */
const OWN: ReadonlySet<string> = new Set([
  ...['content-type', 'content-length', 'cache-control', 'x-accel-buffering', 'x-request-id'],
  ...['x-cost-msat', 'x-credit-balance', 'x-credit-balance-msat'],
  ...['x-max-tokens-applied', 'x-satgate-ignored'],
])
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
  const { wire } = held.route.dialect
  const headers = passedOn(head)
  if (!BODILESS.has(status)) headers.push('content-type', wire.answerType(head?.label ?? null))
  headers.push('cache-control', 'private, no-store', 'x-request-id', held.incoming.id)
  headers.push('x-cost-msat', `${said.charged}`)
  pushPaid(headers, held, said.after)
  reply.head(status, headers)
  reply.end(BODILESS.has(status) ? undefined : body)
}

/** The headers of the backend that the buyer gets. Those that the gate writes itself are left out. */
function passedOn(head: AnswerHead | null): string[] {
  const passed: string[] = []
  for (const name in head?.headers) {
    if (!OWN.has(name)) passed.push(name, head?.headers[name] ?? '')
  }
  return passed
}

/**
 * The balance, the output limit if the gate chose it, and the names of the fields that are left
 * out.
 */
function pushPaid(headers: string[], held: Held, balance: Msat | null): void {
  if (balance !== null) {
    headers.push('x-credit-balance', `${floorSat(balance)}`, 'x-credit-balance-msat', `${balance}`)
  }
  if (held.asked.hasOutput && held.limit !== held.asked.limit) {
    headers.push('x-max-tokens-applied', `${held.limit}`)
  }
  const { ignored } = held.asked
  if (ignored.length > 0) headers.push('x-satgate-ignored', ignored.join(', '))
}
