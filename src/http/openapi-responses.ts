import { ref, type Schema } from '../floor/json-schema.ts'
import { header } from './openapi-header.ts'
import { offerHeaders, receiptHeaders } from './openapi-payments.ts'
import type { Shared } from './openapi-shared.ts'
import type { Operation } from './operation.ts'
import type { SoldRoute, Terms } from './selling.ts'

/** What `/openapi.json` says of the answers of each operation. */

const SAID: Readonly<Record<number, string>> = {
  202: 'Not known yet: ask again after `retryAfterMs`.',
  400: 'The request cannot be read, or carries two credentials.',
  402: 'Payment required.',
  403: 'This pass is not good for this.',
  404: 'No such thing here, or no such model.',
  405: 'Send a POST.',
  408: 'The body took too long to arrive.',
  409: 'It was asked for before in another way, was not sent, or would lose credit.',
  413: 'The body is too large.',
  415: 'The body is encoded, or of another type.',
  429: 'A limit is reached: wait for Retry-After.',
  503: 'Not now: wait for Retry-After. Nothing was charged.',
}

const RETRY = {
  'Retry-After': header(
    'Seconds, 60 at most; without it `resets_at` of the body says when.',
    'integer',
  ),
  'X-Should-Retry': header('false where that is more than a minute away.'),
}
const PRICE = { 'X-L402-Price-Sats': header('Sats that an offer asks for.', 'integer') }
const PAID = {
  'X-Cost-Msat': header('Of a paid answer, where it is known by then.', 'integer'),
  'X-Credit-Balance': header('Of a paid answer. Whole sats, rounded down.', 'integer'),
  'X-Credit-Balance-Msat': header('Of a paid answer. A stream: before this request.', 'integer'),
  'X-Max-Tokens-Applied': header('Of a paid answer, where the gate wrote the limit.', 'integer'),
  'X-Satgate-Ignored': header('Of a paid answer: fields of the request that were left out.'),
}

type Parts = Readonly<Record<string, object>>

/** The answers of an operation, by their status or a range of them. */
export function responses(operation: Operation, terms: Terms, shared: Shared): Parts {
  const { method, ok, pending, sold } = operation
  const served = { description: 'Served.', content: media(ok ?? {}) }
  const refusals = method === 'head' ? priced : refused
  return {
    ...(ok === null ? {} : { 200: served }),
    ...(pending === undefined
      ? {}
      : { 202: { ...served, description: pending, headers: referred(RETRY, shared) } }),
    ...(sold === undefined ? {} : { 200: paid(sold, terms, shared) }),
    ...refusals(operation, terms, shared),
  }
}

const media = (types: Parts): Parts =>
  Object.fromEntries(Object.entries(types).map(([type, schema]) => [type, { schema }]))
const content = (schema: object) => ({ content: media({ 'application/json': schema }) })

/** An answer that was paid for, as its dialect describes it. */
function paid({ docs }: SoldRoute, terms: Terms, shared: Shared): object {
  const { answer, name, stream } = docs
  const types = {
    [answer.type]: shared.refer('schemas', `${name}Answer`, answer.schema),
    ...(stream === null
      ? {}
      : { [stream.type]: shared.refer('schemas', `${name}Stream`, stream.schema) }),
  }
  // Every such answer can have these headers. They are described once, and not named at each answer.
  referred({ ...PAID, ...receiptHeaders(terms) }, shared, 'Paid')
  return { description: 'Served.', content: media(types) }
}

/** The refusals of a HEAD, which have no body. */
const priced = ({ others }: Operation, _: Terms, shared: Shared): Parts => ({
  402: { description: SAID[402], headers: referred(PRICE, shared) },
  default: { description: said(others.filter((status) => status !== 402)) },
})

/**
 * The refusals, each as the envelope writes it. `default` has those that all operations say alike:
 * the failures, and every refusal of what is sold but the 402. Its description names each status.
 */
function refused(operation: Operation, terms: Terms, shared: Shared): Parts {
  const { errors = terms.errors.name, needs, others, path } = operation
  const error = (name: number | string, description = '', headers: Parts = {}) =>
    shared.refer('responses', `${errors}${name}`, {
      description,
      ...(Object.keys(headers).length === 0 ? {} : { headers: referred(headers, shared) }),
      ...content(ref(`${errors}Error`)),
    })
  const known = others.filter((status) => status >= 400 && status !== 402)
  const exact = (status: number) =>
    [status, error(`Error${status}`, SAID[status], status === 429 ? RETRY : {})] as const
  const told = needs === 'paid' ? [] : known.filter((status) => status < 500)
  return {
    ...(others.includes(202) ? { 202: { description: SAID[202], ...content(PENDING) } } : {}),
    ...(others.includes(402) && needs === 'pass' ? { 402: exact(402)[1] } : {}),
    ...(others.includes(402) && needs !== 'pass' ? { 402: offered(errors, terms, shared) } : {}),
    ...Object.fromEntries(told.map(exact)),
    ...(path === '/health' ? { 503: { description: SAID[503], ...content(ref('Health')) } } : {}),
    default:
      needs === 'paid' ? error('Refused', said(known), RETRY) : error('Failed', FAILED, RETRY),
  }
}

const said = (statuses: readonly number[]) => `${statuses.join(', ')}. Nothing was charged.`
const FAILED = said([500, 502, 503])

const PENDING: Schema = {
  type: 'object',
  required: ['state'],
  properties: { state: { const: 'pending' } },
}

/** The 402 with offers. */
const offered = (name: string, terms: Terms, shared: Shared): object =>
  shared.refer('responses', `${name}PaymentRequired`, {
    description: SAID[402],
    headers: referred(offerHeaders(terms), shared, 'Offer'),
    ...content(ref(`${name}PaymentRequired`)),
  })

/**
 * Headers by reference. `of` goes before the name of a header that means one thing in an offer and
 * another one in an answer.
 */
const referred = (headers: Parts, shared: Shared, of = ''): Parts =>
  Object.fromEntries(
    Object.entries(headers).map(([name, one]) => [
      name,
      shared.refer('headers', name === 'X-Cashu' ? `${of}-${name}` : name, one),
    ]),
  )
