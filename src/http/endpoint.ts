import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import type { Envelope } from '../dialects/dialect.ts'
import type { AccountPages } from '../gate/account.ts'
import type { Buying } from '../gate/buying.ts'
import type { PromptCounting } from '../gate/count-prompt.ts'
import type { EndingPasses } from '../gate/ending-passes.ts'
import type { Gate } from '../gate/gate.ts'
import type { Incoming, Reply } from '../gate/ports.ts'
import type { Redeeming } from '../gate/redeeming.ts'
import type { Refusal } from '../gate/refusal.ts'
import type { Routes } from '../gate/route.ts'
import type { Withdrawing } from '../gate/withdraw.ts'
import { answerRefusal } from '../gate/write-response.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import type { Cors, Standing } from './cors.ts'
import type { Describe } from './describe.ts'
import type { Begun, Receive } from './incoming.ts'
import { NOT_JSON, wrongMethod } from './refusals.ts'
import { serveRoute } from './serve-route.ts'

/** Everything that the handlers of requests use. */
export interface AppParts {
  readonly gate: Gate
  readonly counting: PromptCounting
  readonly buying: Buying
  /** Null if no tokens are taken. */
  readonly redeeming: Redeeming | null
  readonly ending: EndingPasses
  readonly pages: AccountPages
  readonly withdrawing: Withdrawing
  readonly describe: Describe
  readonly money: MoneyKind
  readonly routes: Routes
  /** The envelope of errors on a path that no route serves. */
  envelopeOf(path: string): Envelope
  /** Why no invoices are sold. Null if they are. */
  readonly noInvoices: Refusal | null
  /** The 404 for a request that is not served. `path` is null if it could be read in two ways. */
  readonly notFound: (method: string, path: string | null) => Refusal
  readonly cors: Cors
  /** `dialects.keyPath`: a pass may stand in the path. */
  readonly keyPath: boolean
  readonly receive: Receive
  /** `standing`: the headers of the listener. Null if they are set already. */
  reply(request: IncomingMessage, response: ServerResponse, standing?: Standing | null): Reply
  /** Called on a bug. The request gets a 500 and the operator is told. */
  onError(error: Error): void
  /** Pays an invoice of play money. Null with any other wallet. */
  readonly playPay: ((invoice: string) => Promise<PlayPaid>) | null
  /** Whether the peer is on this machine and its `Host` is a local name too (threats H4, I3). */
  isLocal(request: IncomingMessage): boolean
}

export type PlayPaid =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly error: string }

export type Env = { Bindings: HttpBindings; Variables: { begun: Begun } }
export type Endpoint = (c: Context<Env>) => Promise<Response>

/**
 * Handles a request that is for no endpoint of the gate itself: a route serves it, or it is a 404
 * or 405.
 */
export async function routed(c: Context<Env>, parts: AppParts): Promise<Response> {
  const { incoming: request, outgoing: response } = c.env
  const begun = begunOf(c, parts)
  const found = parts.routes.find(begun.incoming.method, c.req.path)
  if (found.is === 'method')
    return plain(c, parts, wrongMethod(begun.incoming.method, found.allowed))
  if (found.is === 'nothing') return notServed(c, parts)
  // The route writes all headers itself.
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  await serveRoute(parts, found.route, { request, response, begun })
  return RESPONSE_ALREADY_SENT
}

/** The request as it began. It has one id, and its credentials are read once. */
export function begunOf(c: Context<Env>, parts: AppParts): Begun {
  const known = c.get('begun')
  if (known !== undefined) return known
  const begun = parts.receive.begin(c.env.incoming)
  c.set('begun', begun)
  return begun
}

/** Reads a small JSON body, or returns why that is not possible. */
export async function withBody(
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

/** Undefined if it is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Answers a refusal on an endpoint of the gate itself. */
export async function plain(c: Context<Env>, parts: AppParts, refusal: Refusal): Promise<Response> {
  const { incoming } = begunOf(c, parts)
  const reply = parts.reply(c.env.incoming, c.env.outgoing)
  answerRefusal(parts.envelopeOf(incoming.path), { incoming, reply, refusal })
  return RESPONSE_ALREADY_SENT
}

/** Answers 404, or refuses a path in a form that is not served. */
export function notServed(c: Context<Env>, parts: AppParts): Promise<Response> {
  const { incoming, canonical } = begunOf(c, parts)
  return plain(c, parts, parts.notFound(incoming.method, canonical ? incoming.path : null))
}
