import { ref } from '../floor/json-schema.ts'
import { operations } from './openapi-operations.ts'
import { paymentInfo, paymentSchemes } from './openapi-payments.ts'
import { responses } from './openapi-responses.ts'
import { schemas } from './openapi-schemas.ts'
import { makeShared, type Shared } from './openapi-shared.ts'
import type { Operation, Parameter } from './operation.ts'
import type { Operator, Selling, Terms } from './selling.ts'

/**
 * With at most this many models, their names are the only valid ones. With more, some are examples.
 */
const FEW_MODELS = 20
/** Registries read at most 64 KiB. The prices get what the rest leaves of this. */
const MOST_BYTES = 63 * 1024
/** If the rest leaves less for the prices, schemas and headers have no descriptions. */
const PRICES_BYTES = 4 * 1024
/** Prices in the document. All prices are at /v1/models. */
const MOST_PRICES = 100

/**
 * `/openapi.json` (OpenAPI 3.1.0), with `x-service-info` and `x-payment-info` of
 * draft-payment-discovery-01. Prices are in `x-satgate`. If a 402 says something else, the 402 is
 * right.
 */
export function openApi(selling: Selling): unknown {
  const full = document(selling)
  const { components } = full
  const { headers, schemas } = components
  const described =
    bytes(full) + PRICES_BYTES <= MOST_BYTES
      ? full
      : { ...full, components: { ...components, ...withoutWords({ headers, schemas }) } }
  const room = MOST_BYTES - bytes(described)
  return { ...described, 'x-satgate': { ...described['x-satgate'], prices: prices(selling, room) } }
}

/** Components without the texts that describe them. A field may be called `description` too. */
function withoutWords(value: object): object {
  const kept = Object.entries(value).filter(
    ([name, one]) => name !== 'description' || typeof one !== 'string',
  )
  const plain = kept.map(([name, one]) => [name, isObject(one) ? withoutWords(one) : one])
  return Array.isArray(value) ? plain.map(([, one]) => one) : Object.fromEntries(plain)
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** The document without prices. */
function document(selling: Selling) {
  const { terms, origin } = selling
  const shared = makeShared()
  // The components are what the paths refer to, so that the paths are written first.
  const written = paths(selling, shared)
  return {
    openapi: '3.1.0',
    info: {
      title: terms.operator.name,
      version: terms.version,
      summary: 'APIs of models, paid by the token.',
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
    security: soldFor(terms),
    paths: written,
    components: {
      securitySchemes: { ...SCHEMES, ...paymentSchemes(terms) },
      ...components(selling, shared),
    },
  }
}

/** The parts that are referred to, and the schemas that the gate itself names. */
function components({ models, terms }: Selling, shared: Shared) {
  const { schemas: ofDialects, ...others } = shared.components()
  const own = schemas({
    models: models.map(({ id }) => id),
    few: FEW_MODELS,
    mostSats: terms.mostSats,
    dialects: terms.routes,
    envelopes: [...new Set([terms.errors, ...terms.routes.map(({ wire }) => wire.errors)])],
  })
  return { ...others, schemas: { ...own, ...ofDialects } }
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

/** The prices of the first models, as many as there is room for. `room` is in bytes. */
function prices({ models }: Selling, room: number): object {
  let left = room
  const shown: (readonly [string, object])[] = []
  for (const { id, pricing } of models.slice(0, MOST_PRICES)) {
    const { unit: _, ...figures } = pricing
    left -= bytes({ [id]: figures })
    if (left < 0) break
    shown.push([id, figures])
  }
  return Object.fromEntries(shown)
}

const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

/** The state of the gate now. */
function state({ terms, origin, models, upstream, acceptingPayments, rails }: Selling) {
  return {
    money: terms.money,
    accepting_payments: acceptingPayments,
    rails: Object.fromEntries(rails.map(({ name, up }) => [name, up && acceptingPayments])),
    upstream,
    unit: 'sats per 1,000 tokens',
    prices: {},
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
const SECURITY = { pass: PASS, either: [{}, ...PASS], nothing: [] }

/**
 * What opens an operation that is sold: it is said once for the document, and every other operation
 * says its own. A payment pays for what is sold, and for nothing else.
 */
const soldFor = (terms: Terms): readonly object[] => [
  ...PASS,
  ...(terms.sells ? Object.keys(paymentSchemes(terms)).map((name) => ({ [name]: [] })) : []),
]

function paths(selling: Selling, shared: Shared): unknown {
  const byPath = new Map<string, Record<string, unknown>>()
  for (const operation of operations(selling.terms)) {
    const item = byPath.get(operation.path) ?? {}
    item[operation.method] = written(operation, selling, shared)
    byPath.set(operation.path, item)
  }
  return Object.fromEntries(byPath)
}

function written(operation: Operation, selling: Selling, shared: Shared): unknown {
  const { id, summary, parameters, needs } = operation
  const body = requestBody(operation, shared)
  return {
    operationId: id,
    summary,
    ...(parameters === undefined
      ? {}
      : { parameters: parameters.map((one) => parameter(one, shared)) }),
    ...(body === null ? {} : { requestBody: body }),
    responses: responses(operation, selling.terms, shared),
    ...(needs === 'paid' ? {} : { security: SECURITY[needs] }),
    ...(needs === 'paid' && selling.terms.methods.includes('payment')
      ? { 'x-payment-info': paymentInfo(selling) }
      : {}),
  }
}

const parameter = ({ shared: name, ...one }: Parameter, shared: Shared): object =>
  name === undefined ? one : shared.refer('parameters', name, one)

function requestBody({ body, method, needs, sold }: Operation, shared: Shared): object | null {
  if (body !== undefined) {
    return { required: body.required, content: { [body.type]: { schema: ref(body.schema) } } }
  }
  if (sold === undefined || needs !== 'paid' || method === 'get') return null
  const { name, request } = sold.docs
  const schema = shared.refer('schemas', `${name}Request`, request.schema)
  return { required: true, content: { [request.type]: { schema } } }
}
