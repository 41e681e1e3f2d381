import { ref } from '../floor/json-schema.ts'
import { countTokensOperations } from './count-tokens-operations.ts'
import { ollamaOperations } from './ollama-operations.ts'
import type { Operation, Parameter } from './operation.ts'
import type { SoldRoute, Terms } from './selling.ts'

const json = (schema: string) => ({ 'application/json': ref(schema) })
const TEXT = { type: 'string' }

const PAID = [400, 402, 403, 404, 408, 413, 415, 422, 429, 500, 502, 503, 504]

/** The routes that are sold, and how their price is asked for. */
function routeOperations({
  methods,
  routes,
}: Pick<Terms, 'routes' | 'methods'>): readonly Operation[] {
  const sold = routes.map((route): Operation => {
    const { path, parameters } = templated(route.path)
    const method = route.method.toLowerCase()
    const { name, summary } = route.docs
    return {
      ...{ path, method, id: `${VERB[method] ?? method}${name}`, summary, needs: 'paid' },
      ...{ sold: route, errors: route.wire.errors.name, ok: null, others: PAID },
      parameters: [...parameters, MAX_COST],
    }
  })
  return [
    ...sold,
    ...unpaid(
      routes.find(({ tellsPrice }) => tellsPrice),
      methods,
    ),
  ]
}

/**
 * An unpaid GET and HEAD of a path that is sold, for clients that look first. All such paths answer
 * them alike, so that they are described at one.
 */
function unpaid(route: SoldRoute | undefined, methods: readonly string[]): readonly Operation[] {
  if (route === undefined) return []
  const { docs, path, wire } = route
  const both = { path, needs: 'nothing', ok: null, errors: wire.errors.name } as const
  return [
    {
      ...{ ...both, method: 'get', id: `offer${docs.name}` },
      ...(methods.length > 1 ? { parameters: [chosenRail(methods)] } : {}),
      summary: 'A 402 with the smallest offer; 405 with a pass. So does each path that is sold',
      others: [400, 402, 403, 405, 500, 503],
    },
    {
      ...{ ...both, method: 'head', id: `price${docs.name}` },
      summary:
        'A 402 without an offer: X-L402-Price-Sats says what one would ask for. So does each path that is sold',
      others: [400, 402, 500],
    },
  ]
}

/** Of several ways to pay, the one that a 402 offers. Each path that is sold takes it. */
const chosenRail = (methods: readonly string[]): Parameter =>
  query('rail', {
    enum: [...methods],
    description: 'The 402 offers this way to pay alone. So does that of a POST.',
  })

const MAX_COST: Parameter = {
  ...{ name: 'X-Max-Cost', in: 'header', required: false },
  ...{ schema: { type: 'string', pattern: '^\\d+(\\.\\d{1,3})?$' }, shared: 'MaxCost' },
  description: 'Sats that this request may cost at most.',
}

const VERB: Readonly<Record<string, string>> = { post: 'create' }

/** A pattern in the form of OpenAPI: each segment with a star is a parameter. */
function templated(pattern: string) {
  const names: string[] = []
  const segments = pattern.split('/').map((segment) => {
    if (!segment.includes('*')) return segment
    names.push(`part${names.length + 1}`)
    return `{${names.at(-1)}}`
  })
  return { path: segments.join('/'), parameters: names.map((name) => inPath(name, TEXT)) }
}

const query = (name: string, schema: object, required = false): Parameter => ({
  ...{ name, in: 'query', required, schema },
})
const inPath = (name: string, schema: object): Parameter => ({
  ...{ name, in: 'path', required: true, schema },
})
const HASH = { type: 'string', pattern: '^[0-9a-f]{64}$' }

const BUYING: readonly Operation[] = [
  {
    ...{ path: '/create-invoice', method: 'post', id: 'createInvoice', needs: 'either' },
    summary: 'An invoice for credit; with a pass it tops that pass up',
    parameters: [query('qr', { enum: ['svg'], description: 'Adds a picture of the invoice.' })],
    body: { type: 'application/json', schema: 'InvoiceRequest', required: false },
    ok: json('Invoice'),
    others: [400, 408, 413, 415, 429, 500, 503],
  },
  {
    ...{ path: '/invoice-status/{hash}', method: 'get', id: 'getInvoiceStatus', needs: 'nothing' },
    summary: 'Whether an invoice is paid, for whoever has its token',
    parameters: [inPath('hash', HASH), query('token', TEXT, true)],
    ok: { ...json('InvoiceStatus'), 'text/html': TEXT },
    others: [404, 500],
  },
]

const REDEEMING: readonly Operation[] = [
  {
    ...{ path: '/cashu-redeem', method: 'post', id: 'redeemToken', needs: 'either' },
    summary: 'Takes a Cashu token as credit; with a pass it tops that pass up. 202: ask again',
    body: { type: 'application/json', schema: 'RedeemRequest', required: true },
    ok: json('Redeemed'),
    others: [202, 400, 402, 404, 408, 413, 415, 429, 500, 503],
  },
]

const CREDIT: readonly Operation[] = [
  {
    ...{ path: '/v1/balance', method: 'get', id: 'getBalance', needs: 'pass' },
    summary: 'What is left on a pass, in msat',
    ok: json('Balance'),
    others: [402, 500, 503],
  },
  {
    ...{ path: '/v1/usage', method: 'get', id: 'listUsage', needs: 'pass' },
    summary: 'What each request cost, newest first',
    parameters: [
      query('limit', { type: 'integer', minimum: 1, maximum: 100, default: 20 }),
      query('before', { type: 'string', description: 'The id of the last charge seen.' }),
    ],
    ok: json('ChargeList'),
    others: [400, 402, 500, 503],
  },
]

const ENDING: readonly Operation[] = [
  {
    ...{ path: '/v1/passes/rotate', method: 'post', id: 'rotatePass', needs: 'pass' },
    summary:
      'A new root pass; all other passes of the account end. Repeat it with one Idempotency-Key',
    parameters: [{ name: 'Idempotency-Key', in: 'header', required: false, schema: TEXT }],
    ok: json('RotatedPass'),
    others: [400, 402, 403, 429, 500, 503],
  },
  {
    ...{ path: '/v1/pass', method: 'delete', id: 'revokePass', needs: 'pass' },
    summary: 'Ends the pass, or one that was made from it, and every pass that was made from that',
    body: { type: 'application/json', schema: 'RevokeRequest', required: false },
    ok: json('RevokedPass'),
    others: [400, 402, 403, 408, 409, 413, 415, 500, 503],
  },
]

const WITHDRAWING: readonly Operation[] = [
  {
    ...{ path: '/v1/withdraw', method: 'post', id: 'withdraw', needs: 'pass' },
    summary: 'Takes out what was paid in and not spent; root passes only',
    parameters: [
      {
        ...{ name: 'Idempotency-Key', in: 'header', required: false, schema: TEXT },
        description: 'The same key and body get the same result, and nothing is sent twice.',
      },
    ],
    body: { type: 'application/json', schema: 'WithdrawRequest', required: true },
    ok: json('Withdrawal'),
    pending: 'Under way: ask again with the same request.',
    others: [400, 402, 403, 404, 408, 409, 413, 415, 429, 500, 503],
  },
]

const free = (path: string, id: string, about: Pick<Operation, 'summary' | 'ok'>): Operation => ({
  ...{ path, method: 'get', id, needs: 'nothing', others: [500] },
  ...about,
})

const FREE: readonly Operation[] = [
  {
    ...free('/v1/models', 'listModels', {
      summary: 'The models, each with its price',
      ok: json('ModelList'),
    }),
    others: [500, 502],
  },
  {
    ...free('/v1/models/{id}', 'getModel', {
      summary: 'One model with its price; its id may hold slashes',
      ok: json('Model'),
    }),
    parameters: [inPath('id', TEXT)],
    others: [404, 500],
  },
  {
    ...free('/health', 'getHealth', {
      summary: 'Whether model server, wallet and ledger answer; 503 where one does not',
      ok: json('Health'),
    }),
    others: [500, 503],
  },
  free('/.well-known/l402', 'getDescription', {
    summary: 'Prices, limits and payment',
    ok: json('Description'),
  }),
  free('/llms.txt', 'getLlmsTxt', {
    summary: 'The same in Markdown, for agents',
    ok: { 'text/plain': TEXT },
  }),
  free('/openapi.json', 'getOpenApi', { summary: 'This document', ok: json('OpenApi') }),
]

const DOLLARS = free('/.well-known/x402', 'getX402Resources', {
  summary: 'What is sold for dollars (x402), in the form of a list of discovered resources',
  ok: json('X402Resources'),
})

/**
 * Everything that is served to everybody. `/play/pay` is left out, because it answers this machine
 * only.
 */
export const operations = (
  terms: Pick<Terms, 'routes' | 'sells' | 'methods'>,
): readonly Operation[] => [
  ...routeOperations(terms),
  ...(terms.methods.includes('l402') ? BUYING : []),
  ...(terms.methods.includes('cashu') ? REDEEMING : []),
  ...CREDIT,
  ...ENDING,
  ...(terms.sells ? WITHDRAWING : []),
  ...FREE,
  ...ollamaOperations(terms),
  ...countTokensOperations(terms),
  ...(terms.methods.includes('x402') ? [DOLLARS] : []),
]
