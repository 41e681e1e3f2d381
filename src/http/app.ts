import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener, RequestError } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono } from 'hono'
import { accepts } from 'hono/accepts'
import { setCors } from './cors.ts'
import { addCountTokens } from './count-tokens.ts'
import { directRoutes, serveDirect } from './direct.ts'
import {
  type AppParts,
  begunOf,
  type Endpoint,
  type Env,
  notServed,
  plain,
  routed,
  withBody,
} from './endpoint.ts'
import { invoiceBody, readInvoiceQuery } from './invoice-body.ts'
import { takeKey } from './key-path.ts'
import { addOllama } from './ollama-endpoints.ts'
import { isFresh, loadPage, type Page, type PageFile } from './page.ts'
import { redeemBody } from './redeem-body.ts'
import {
  BAD_PAGE,
  BUG,
  NO_DOLLARS,
  NO_INVOICE,
  NO_MODEL,
  NO_MODELS,
  notPayable,
} from './refusals.ts'

/**
 * Serves the gate's own endpoints, then its routes. Any other request is a 404 and is sent nowhere
 * (G7).
 */
export function makeApp(parts: AppParts): Hono<Env> {
  const app = new Hono<Env>()
  const page = loadPage(parts.money)
  addBuying(app, parts, page)
  addPage(app, parts, page)
  addPages(app, parts)
  addEndings(app, parts)
  addDescriptions(app, parts)
  addOllama(app, parts)
  addCountTokens(app, parts)
  app.all('*', (c) => routed(c, parts))
  app.onError((error, c) => {
    parts.onError(error)
    if (!c.env.outgoing.headersSent) return plain(c, parts, BUG)
    c.env.outgoing.destroy()
    return RESPONSE_ALREADY_SENT
  })
  return app
}

/**
 * Makes the function that Node's listener calls. Requests for the routes of dialects do not pass
 * through Hono.
 */
export function makeListener(
  parts: AppParts,
): (request: IncomingMessage, response: ServerResponse) => void {
  const app = makeApp(parts)
  const listener = getRequestListener(app.fetch as Parameters<typeof getRequestListener>[0], {
    overrideGlobalObjects: false,
    errorHandler: (error) =>
      error instanceof RequestError ? unreadable(parts) : new Response(null, { status: 500 }),
  })
  const directly = directRoutes(
    parts.routes,
    app.routes.map(({ path }) => path),
  )
  return (request, response) => {
    if (parts.keyPath) takeKey(request)
    const route = directly(request)
    // After this tick, a body that came together with its head is there as a whole.
    if (route !== null) return process.nextTick(serveDirect, parts, route, request, response)
    if (!setCors(parts.cors, request, response)) return
    listener(request, response).catch(() => response.destroy())
  }
}

function addBuying(app: Hono<Env>, parts: AppParts, page: Page | null): void {
  app.post('/create-invoice', (c) =>
    withBody(c, parts, async (incoming, body) => {
      if (parts.noInvoices !== null) return plain(c, parts, parts.noInvoices)
      const query = readInvoiceQuery(c.req.query())
      if (!query.ok) return plain(c, parts, query.error)
      const made = await parts.buying.create(body, incoming.presented, incoming)
      if (!made.ok) return plain(c, parts, made.error)
      const { origin } = incoming
      return c.json(invoiceBody(made.value, { ...query.value, origin }), 200, PRIVATE)
    }),
  )
  app.get('/invoice-status/:hash', async (c) => {
    c.header('vary', 'Accept, Authorization, Origin, X-API-Key')
    if (page !== null && wantsHtml(c)) return answerFile(c, page.html, 'private, no-store')
    const status = await parts.buying.status(c.req.param('hash'), c.req.query('token') ?? '')
    return status.ok ? c.json(status.value, 200, PRIVATE) : plain(c, parts, status.error)
  })
  addRedeeming(app, parts)
  const { playPay } = parts
  if (playPay === null) return
  app.post('/play/pay', (c) => {
    if (!parts.isLocal(c.env.incoming)) return notServed(c, parts)
    return withBody(c, parts, async (_, body) => {
      const invoice = fieldOf(body, 'invoice') ?? fieldOf(body, 'payment_hash')
      if (typeof invoice !== 'string') return plain(c, parts, NO_INVOICE)
      const paid = await playPay(invoice)
      if (paid.ok) return c.json({ preimage: paid.value }, 200, PRIVATE)
      return plain(c, parts, notPayable(paid.error))
    })
  })
}

/** `POST /cashu-redeem`, with the answers that 402-mcp reads. */
function addRedeeming(app: Hono<Env>, parts: AppParts): void {
  const { redeeming } = parts
  if (redeeming === null) return
  app.post('/cashu-redeem', (c) =>
    withBody(c, parts, async (incoming, body) => {
      const redeemed = await redeeming.redeem(body, incoming.presented, incoming)
      if (!redeemed.ok) return plain(c, parts, redeemed.error)
      const status = redeemed.value.is === 'pending' ? 202 : 200
      return c.json(redeemBody(redeemed.value), status, PRIVATE)
    }),
  )
}

/** The page for buyers, at `/` and where an invoice is paid. Browsers get HTML, programs get text. */
function addPage(app: Hono<Env>, parts: AppParts, page: Page | null): void {
  app.get('/', async (c) => {
    c.header('vary', 'Accept, Authorization, Origin, X-API-Key')
    if (page !== null && wantsHtml(c)) return answerFile(c, page.html, 'no-cache')
    const { origin } = begunOf(c, parts).incoming
    const text = await parts.describe.greeting(origin)
    const headers = { 'cache-control': 'no-cache', 'content-type': TEXT }
    return c.body(page === null ? `${text}${NOT_BUILT}` : text, 200, headers)
  })
  app.get('/assets/:name', (c) => {
    const asset = page?.assets.get(c.req.path)
    return asset === undefined ? notServed(c, parts) : answerFile(c, asset)
  })
}

/** Programs accept anything, or send no `Accept`, and get JSON. */
const wantsHtml = (c: Context<Env>): boolean => {
  const [json, html] = ['application/json', 'text/html'] as const
  return accepts(c, { header: 'Accept', supports: [json, html], default: json }) === html
}

function answerFile(c: Context<Env>, file: PageFile, cacheControl?: string): Response {
  const headers = {
    ...file.headers,
    ...(cacheControl === undefined ? {} : { 'cache-control': cacheControl }),
  }
  if (isFresh(file, c.req.header('if-none-match'))) return c.body(null, 304, headers)
  return c.body(file.bytes, 200, headers)
}

function addPages(app: Hono<Env>, parts: AppParts): void {
  app.post('/v1/withdraw', (c) =>
    withBody(c, parts, async ({ presented }, body) => {
      const key = c.req.header('idempotency-key')
      const done = await parts.withdrawing.withdraw(body, presented, key)
      if (!done.ok) return plain(c, parts, done.error)
      const { body: said, pending } = done.value
      return pending
        ? c.json(said, 202, { ...PRIVATE, 'retry-after': '10' })
        : c.json(said, 200, PRIVATE)
    }),
  )
  app.get('/v1/balance', async (c) => {
    const balance = await parts.pages.balance(begunOf(c, parts).incoming.presented)
    return balance.ok ? c.json(balance.value, 200, PRIVATE) : plain(c, parts, balance.error)
  })
  app.get('/v1/usage', async (c) => {
    const limit = Number(c.req.query('limit') ?? '20')
    const before = c.req.query('before') ?? null
    if (!Number.isInteger(limit) || limit < 1 || limit > 100) return plain(c, parts, BAD_PAGE)
    const { presented } = begunOf(c, parts).incoming
    const usage = await parts.pages.usage(presented, { limit, before })
    return usage.ok ? c.json(usage.value, 200, PRIVATE) : plain(c, parts, usage.error)
  })
}

/** How the holder of a pass ends passes. */
function addEndings(app: Hono<Env>, parts: AppParts): void {
  app.post('/v1/passes/rotate', async (c) => {
    const { presented } = begunOf(c, parts).incoming
    const key = c.req.header('idempotency-key') ?? null
    const rotated = await parts.ending.rotate(presented, key)
    return rotated.ok ? c.json(rotated.value, 200, PRIVATE) : plain(c, parts, rotated.error)
  })
  app.delete('/v1/pass', (c) =>
    withBody(c, parts, async ({ presented }, body) => {
      const revoked = await parts.ending.revoke(presented, body)
      return revoked.ok ? c.json(revoked.value, 200, PRIVATE) : plain(c, parts, revoked.error)
    }),
  )
}

/** The documents and endpoints that are free to read. */
function addDescriptions(app: Hono<Env>, parts: AppParts): void {
  const { describe } = parts
  const open = { 'cache-control': 'no-cache' }
  const models: Endpoint = async (c) => {
    const list = await describe.models()
    return list === null ? plain(c, parts, NO_MODELS) : c.json(list, 200, open)
  }
  app.get('/v1/models', models)
  app.get('/v1/models/:id{.+}', async (c) => {
    const model = await describe.model(c.req.param('id'))
    if (model !== null) return c.json(model, 200, open)
    return plain(c, parts, NO_MODEL)
  })
  const fromOrigin =
    (write: (c: Context<Env>, origin: string) => Promise<Response>): Endpoint =>
    async (c) => {
      const { incoming, canonical } = begunOf(c, parts)
      return canonical ? write(c, incoming.origin) : notServed(c, parts)
    }
  app.get(
    '/.well-known/l402',
    fromOrigin(async (c, origin) => c.json(await describe.wellKnown(origin), 200, open)),
  )
  app.get(
    '/.well-known/x402',
    fromOrigin(async (c, origin) => {
      const document = await describe.wellKnownX402(origin)
      return document === null ? plain(c, parts, NO_DOLLARS) : c.json(document, 200, open)
    }),
  )
  app.get(
    '/openapi.json',
    fromOrigin(async (c, origin) => c.json(await describe.openApi(origin), 200, open)),
  )
  app.get(
    '/llms.txt',
    fromOrigin(async (c, origin) =>
      c.body(await describe.llmsTxt(origin), 200, { ...open, 'content-type': TEXT }),
    ),
  )
  app.get('/health', async (c) => {
    const health = await describe.health()
    return c.json(health, health.status === 'ok' ? 200 : 503, { 'cache-control': 'no-store' })
  })
}

/** The target or the `Host` is no URL, so nothing else of the request was read. */
function unreadable({ envelopeOf }: AppParts): Response {
  const message = 'This target or Host is no URL.'
  const problem = { status: 400, code: 'bad_request', message, param: null }
  return Response.json(envelopeOf('').error(problem, null), {
    status: 400,
    headers: { 'cache-control': 'no-store' },
  })
}

const fieldOf = (body: unknown, name: string): unknown =>
  typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined

/** Firefox would save Markdown instead of showing it. */
const TEXT = 'text/plain; charset=utf-8'
const PRIVATE = { 'cache-control': 'private, no-store' }

const NOT_BUILT = '\nThe page for people was not built: npm run build.\n'
