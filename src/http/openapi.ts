import { ref } from '../floor/json-schema.ts'
import { header } from './openapi-header.ts'
import { operations } from './openapi-operations.ts'
import { offerHeaders, paymentInfo, paymentSchemes, receiptHeaders } from './openapi-payments.ts'
import { schemas } from './openapi-schemas.ts'
import type { Operation } from './operation.ts'
import type { Operator, Selling, Terms } from './selling.ts'

/**
 * With at most this many models, their names are the only valid ones. With more, some are examples.
 */
const FEW_MODELS = 20
/** Prices in the document. Registries read at most 64 KiB. All prices are at /v1/models. */
const MOST_PRICES = 100

/**
 * `/openapi.json` (OpenAPI 3.1.0), with `x-service-info` and `x-payment-info` of
 * draft-payment-discovery-01. Prices are in `x-satgate`. If a 402 says something else, the 402 is
 * right.
 */
export function openApi(selling: Selling): unknown {
  const { terms, origin, models } = selling
  return {
    openapi: '3.1.0',
    info: {
      title: terms.operator.name,
      version: terms.version,
      summary: 'An OpenAI-compatible API, paid by the token.',
      description: terms.sells
        ? `Send a request; pay what the 402 asks for; send it again with the pass. How: ${origin}/llms.txt`
        : `Ask the operator for a pass, and send it with each request. How: ${origin}/llms.txt`,
      ...operatorInfo(terms.operator),
    },
    servers: [{ url: origin }],
    'x-service-info': {
      categories: ['compute'],
      docs: {
        apiReference: `${origin}/openapi.json`,
        homepage: `${origin}/`,
        llms: `${origin}/llms.txt`,
      },
    },
    'x-satgate': state(selling),
    paths: paths(selling),
    components: {
      securitySchemes: { ...SCHEMES, ...paymentSchemes(terms) },
      schemas: schemas({
        models: models.map(({ id }) => id),
        few: FEW_MODELS,
        mostSats: terms.mostSats,
        dialects: terms.routes,
        envelopes: [...new Set([terms.errors, ...terms.routes.map(({ wire }) => wire.errors)])],
      }),
    },
  }
}

/** `contact` and `termsOfService` of the specification. Terms that are no URL are in `x-terms`. */
function operatorInfo({ name, contact, terms }: Operator): object {
  return {
    ...(contact === null ? {} : { contact: { name, ...contactField(contact) } }),
    ...(terms === null ? {} : { [isUrl(terms) ? 'termsOfService' : 'x-terms']: terms }),
  }
}

function contactField(contact: string): object {
  if (isUrl(contact)) return { url: contact }
  return contact.includes('@') ? { email: contact } : { url: `nostr:${contact}` }
}

const isUrl = (text: string): boolean => /^https?:/i.test(text)

/** The state of the gate now, and the prices. */
function state(selling: Selling): unknown {
  const { terms, origin, models, upstream, acceptingPayments, rails } = selling
  const prices = models.slice(0, MOST_PRICES).map(({ id, pricing }) => {
    const { unit: _, ...figures } = pricing
    return [id, figures]
  })
  return {
    money: terms.money,
    accepting_payments: acceptingPayments,
    rails: Object.fromEntries(rails.map(({ name, up }) => [name, up && acceptingPayments])),
    upstream,
    unit: 'sats per 1,000 tokens',
    prices: Object.fromEntries(prices),
    models: models.length,
    all_prices: `${origin}/v1/models`,
  }
}

const SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'A pass: <macaroon>:<secret>.' },
  apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same pass.' },
  l402: {
    type: 'http',
    scheme: 'L402',
    description: 'Authorization: L402 <macaroon>:<preimage>.',
  },
}

const PASS = [{ l402: [] }, { bearer: [] }, { apiKey: [] }]
const SECURITY = { paid: PASS, pass: PASS, either: [{}, ...PASS], nothing: [] }

/** A payment pays for what is sold, and for nothing else. */
const securityOf = (needs: Operation['needs'], terms: Terms) =>
  needs === 'paid' && terms.sells
    ? [...SECURITY.paid, ...Object.keys(paymentSchemes(terms)).map((name) => ({ [name]: [] }))]
    : SECURITY[needs]

function paths(selling: Selling): unknown {
  const byPath = new Map<string, Record<string, unknown>>()
  for (const operation of operations(selling.terms)) {
    const item = byPath.get(operation.path) ?? {}
    item[operation.method] = written(operation, selling)
    byPath.set(operation.path, item)
  }
  return Object.fromEntries(byPath)
}

function written(operation: Operation, selling: Selling): unknown {
  const { id, summary, parameters, body, needs } = operation
  return {
    operationId: id,
    summary,
    ...(parameters === undefined ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: { required: body.required, content: content(ref(body.schema), body.type) },
        }),
    responses: responses(operation, selling.terms),
    security: securityOf(needs, selling.terms),
    ...(needs === 'paid' && selling.terms.methods.includes('payment')
      ? { 'x-payment-info': paymentInfo(selling) }
      : {}),
  }
}

const content = (schema: object, type = 'application/json') => ({ [type]: { schema } })

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
  415: 'The body is encoded.',
  422: 'The model server refuses these values.',
  429: 'A limit is reached: wait for Retry-After.',
  500: 'A mistake of this gate; nothing was charged.',
  502: 'The model server failed; nothing was charged.',
  503: 'Not now: wait for Retry-After. Nothing was charged.',
  504: 'The model server did not answer in time; nothing was charged.',
}

const RETRY = {
  'Retry-After': header(
    'Seconds, 60 at most; without it `resets_at` of the body says when.',
    'integer',
  ),
  'X-Should-Retry': header('false where that is more than a minute away.'),
}
const PRICE = { 'X-L402-Price-Sats': header('Sats that an offer asks for.', 'integer') }
const CHARGED = {
  'X-Credit-Balance': header('Whole sats, rounded down.', 'integer'),
  'X-Credit-Balance-Msat': header('A stream: before this request.', 'integer'),
  'X-Cost-Msat': header('Where it is known by then.', 'integer'),
  'X-Max-Tokens-Applied': header('Where the gate wrote the limit.', 'integer'),
  'X-Satgate-Ignored': header('Fields of the request that were left out.'),
}

function responses(operation: Operation, terms: Terms): unknown {
  const { ok, others, needs } = operation
  const served =
    ok === null
      ? []
      : [[200, { description: 'Served.', ...charged(needs, terms), content: media(ok) }] as const]
  const { pending } = operation
  const under =
    pending === undefined || ok === null
      ? []
      : [[202, { description: pending, headers: RETRY, content: media(ok) }] as const]
  return Object.fromEntries([
    ...served,
    ...under,
    ...others.map((status) => [status, other(status, operation, terms)]),
  ])
}

const charged = (needs: Operation['needs'], terms: Terms) =>
  needs === 'paid' ? { headers: { ...CHARGED, ...receiptHeaders(terms) } } : {}

const media = (types: Readonly<Record<string, object>>) =>
  Object.fromEntries(Object.entries(types).map(([type, schema]) => [type, { schema }]))

/** A refusal: all have one envelope. A 402 with an offer has more fields; a HEAD has no body. */
function other(
  status: number,
  { method, path, needs, errors = '' }: Operation,
  terms: Terms,
): unknown {
  const description = SAID[status]
  if (method === 'head') return { description, ...(status === 402 ? { headers: PRICE } : {}) }
  if (status === 202) {
    const pending = {
      type: 'object',
      required: ['state'],
      properties: { state: { const: 'pending' } },
    }
    return { description, content: content(pending) }
  }
  if (path === '/health' && status === 503) return { description, content: content(ref('Health')) }
  if (status !== 402) {
    const headers = status === 429 || status >= 502 ? { headers: RETRY } : {}
    return { description, ...headers, content: content(ref(`${errors}Error`)) }
  }
  if (needs === 'pass') return { description, content: content(ref(`${errors}Error`)) }
  const headers = offerHeaders(terms)
  return { description, headers, content: content(ref(`${errors}PaymentRequired`)) }
}
