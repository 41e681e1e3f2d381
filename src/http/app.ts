import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener, type HttpBindings, RequestError } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono } from 'hono'
import { accepts } from 'hono/accepts'
import type { Envelope } from '../dialects/dialect.ts'
import { answerRefusal } from '../gate/answer.ts'
import type { Buying } from '../gate/buying.ts'
import type { Gate } from '../gate/gate.ts'
import type { Incoming, Reply } from '../gate/ports.ts'
import type { Refusal } from '../gate/refusal.ts'
import type { Routes } from '../gate/route.ts'
import type { AccountPages } from '../gate/statement.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import { type Cors, hidingFromOthers, setCors } from './cors.ts'
import type { Describe } from './describe.ts'
import type { Begun, Receive } from './incoming.ts'
import { invoiceBody, readInvoiceQuery } from './invoice-body.ts'
import { isFresh, loadPage, type Page, type PageFile } from './page.ts'
import {
  BAD_PAGE,
  BUG,
  NO_INVOICE,
  NO_MODEL,
  NO_MODELS,
  NOT_FOR_SALE,
  NOT_JSON,
  notPayable,
  wrongMethod,
} from './refusals.ts'

/** Everything that the listener's routes stand on. */
export interface AppParts {
  readonly gate: Gate
  readonly buying: Buying
  readonly pages: AccountPages
  readonly describe: Describe
  readonly money: MoneyKind
  readonly routes: Routes
  /** How an error is written on a path that no route serves. */
  envelopeOf(path: string): Envelope
  /** Credit can be bought: the mode of the gate is `charge`. */
  readonly sells: boolean
  /** The 404 of what is not served; the path is null where it cannot be read in one way only. */
  readonly notFound: (method: string, path: string | null) => Refusal
  readonly cors: Cors
  readonly receive: Receive
  /** `onHead` is told the status just before a head leaves. */
  reply(
    request: IncomingMessage,
    response: ServerResponse,
    onHead?: ((status: number) => void) | null,
  ): Reply
  /** A bug: the request gets a 500, the operator is told. */
  onError(error: Error): void
  /** Pays a play-money invoice; null with any other wallet. */
  readonly playPay: ((invoice: string) => Promise<PlayPaid>) | null
  /** The peer is on this machine and says so in `Host` too (threats H4, I3). */
  isLocal(request: IncomingMessage): boolean
}

export type PlayPaid =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly error: string }

type Env = { Bindings: HttpBindings; Variables: { begun: Begun } }
type Endpoint = (c: Context<Env>) => Promise<Response>

/** Every endpoint of the gate's own, then its routes. What is neither is a 404 and goes nowhere (G7). */
export function makeApp(parts: AppParts): Hono<Env> {
  const app = new Hono<Env>()
  const page = loadPage(parts.money)
  addBuying(app, parts, page)
  addPage(app, parts, page)
  addPages(app, parts)
  addDescriptions(app, parts)
  app.all('*', (c) => routed(c, parts))
  app.onError((error, c) => {
    parts.onError(error)
    if (!c.env.outgoing.headersSent) return plain(c, parts, BUG)
    c.env.outgoing.destroy()
    return RESPONSE_ALREADY_SENT
  })
  return app
}

/** The listener's function. */
export function makeListener(
  parts: AppParts,
): (request: IncomingMessage, response: ServerResponse) => void {
  const app = makeApp(parts)
  const listener = getRequestListener(app.fetch as Parameters<typeof getRequestListener>[0], {
    overrideGlobalObjects: false,
    errorHandler: (error) =>
      error instanceof RequestError ? unreadable(parts) : new Response(null, { status: 500 }),
  })
  return (request, response) => {
    response.setHeader('x-content-type-options', 'nosniff')
    if (!setCors(parts.cors, request, response)) return
    listener(request, response).catch(() => response.destroy())
  }
}

/** A request that no endpoint of the gate's own has taken: one of a route, or a 404 or 405. */
async function routed(c: Context<Env>, parts: AppParts): Promise<Response> {
  const { incoming: request, outgoing: response } = c.env
  const begun = begunOf(c, parts)
  const { method, path } = begun.incoming
  const found = begun.canonical ? parts.routes.find(method, path) : NOT_FOUND
  if (found.is === 'method') return plain(c, parts, wrongMethod(method, found.allowed))
  if (found.is === 'nothing') return notServed(c, parts)
  const open = begun.incoming.presented.is !== 'credential'
  const hiding = open ? hidingFromOthers(parts.cors, request, response) : null
  const received = await parts.receive.body(request, begun, found.route.dialect)
  const reply = parts.reply(request, response, hiding)
  if (!received.ok) {
    const call = parts.gate.begin(found.route, begun.incoming, reply)
    parts.gate.refuse(call, received.error)
    return RESPONSE_ALREADY_SENT
  }
  try {
    await parts.gate.serve(parts.gate.begin(found.route, received.value, reply))
  } finally {
    received.value.letGoOfBody()
  }
  return RESPONSE_ALREADY_SENT
}

const NOT_FOUND = { is: 'nothing' } as const

function addBuying(app: Hono<Env>, parts: AppParts, page: Page | null): void {
  app.post('/create-invoice', (c) =>
    withBody(c, parts, async (incoming, body) => {
      if (!parts.sells) return plain(c, parts, NOT_FOR_SALE)
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

/** The page for buyers, at `/` and, for browsers, where an invoice is paid. Programs get text. */
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

/** Programs say nothing or a star, and get JSON. */
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

/** What is free to read. */
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

/** The request as it began: one id for it, and one reading of what it presents. */
function begunOf(c: Context<Env>, parts: AppParts): Begun {
  const known = c.get('begun')
  if (known !== undefined) return known
  const begun = parts.receive.begin(c.env.incoming)
  c.set('begun', begun)
  return begun
}

/** A small JSON body, or why it is none. */
async function withBody(
  c: Context<Env>,
  parts: AppParts,
  then: (incoming: Incoming, body: unknown) => Promise<Response>,
): Promise<Response> {
  const received = await parts.receive.body(c.env.incoming, begunOf(c, parts), 'small')
  if (!received.ok) return plain(c, parts, received.error)
  const incoming = received.value
  const text = Buffer.from(incoming.body).toString('utf8')
  incoming.letGoOfBody()
  const parsed = parse(text === '' ? '{}' : text)
  return parsed === undefined ? plain(c, parts, NOT_JSON) : then(incoming, parsed)
}

/** Undefined where it is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Answers a refusal on one of the gate's own endpoints. */
async function plain(c: Context<Env>, parts: AppParts, refusal: Refusal): Promise<Response> {
  const { incoming } = begunOf(c, parts)
  const reply = parts.reply(c.env.incoming, c.env.outgoing)
  answerRefusal(parts.envelopeOf(incoming.path), { incoming, reply, refusal })
  return RESPONSE_ALREADY_SENT
}

/** The 404, or a request to a path in a form that is not served. */
function notServed(c: Context<Env>, parts: AppParts): Promise<Response> {
  const { incoming, canonical } = begunOf(c, parts)
  return plain(c, parts, parts.notFound(incoming.method, canonical ? incoming.path : null))
}

/** A target or a Host that is no URL: nothing was read of it yet. */
function unreadable({ envelopeOf }: AppParts): Response {
  const message = 'This target or Host is no URL.'
  const problem = { status: 400, code: 'bad_request', message, param: null }
  return Response.json(envelopeOf('').error(problem), {
    status: 400,
    headers: { 'cache-control': 'no-store' },
  })
}

const fieldOf = (body: unknown, name: string): unknown =>
  typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined

/** As Markdown, Firefox would save it instead of showing it. */
const TEXT = 'text/plain; charset=utf-8'
const PRIVATE = { 'cache-control': 'private, no-store' }

const NOT_BUILT = '\nThe page for people was not built: npm run build.\n'
