import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import type { Envelope } from '../dialects/dialect.ts'
import type { AccountPages } from '../gate/account.ts'
import type { Buying } from '../gate/buying.ts'
import type { Gate } from '../gate/gate.ts'
import type { Incoming, Reply } from '../gate/ports.ts'
import type { Refusal } from '../gate/refusal.ts'
import type { Routes } from '../gate/route.ts'
import { answerRefusal } from '../gate/write-response.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import { type Cors, hidingFromOthers } from './cors.ts'
import type { Describe } from './describe.ts'
import type { Begun, Receive } from './incoming.ts'
import { NOT_JSON, wrongMethod } from './refusals.ts'

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

export type Env = { Bindings: HttpBindings; Variables: { begun: Begun } }
export type Endpoint = (c: Context<Env>) => Promise<Response>

/** A request that no endpoint of the gate's own has taken: one of a route, or a 404 or 405. */
export async function routed(c: Context<Env>, parts: AppParts): Promise<Response> {
  const { incoming: request, outgoing: response } = c.env
  const begun = begunOf(c, parts)
  // A path that can be read in two ways is refused with the body, and its refusal is written down.
  const found = parts.routes.find(begun.incoming.method, c.req.path)
  if (found.is === 'method')
    return plain(c, parts, wrongMethod(begun.incoming.method, found.allowed))
  if (found.is === 'nothing') return notServed(c, parts)
  const { presented } = begun.incoming
  const open = presented.is !== 'credential' && presented.is !== 'payment'
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

/** The request as it began: one id for it, and one reading of what it presents. */
export function begunOf(c: Context<Env>, parts: AppParts): Begun {
  const known = c.get('begun')
  if (known !== undefined) return known
  const begun = parts.receive.begin(c.env.incoming)
  c.set('begun', begun)
  return begun
}

/** A small JSON body, or why it is none. */
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

/** Undefined where it is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Answers a refusal on one of the gate's own endpoints. */
export async function plain(c: Context<Env>, parts: AppParts, refusal: Refusal): Promise<Response> {
  const { incoming } = begunOf(c, parts)
  const reply = parts.reply(c.env.incoming, c.env.outgoing)
  answerRefusal(parts.envelopeOf(incoming.path), { incoming, reply, refusal })
  return RESPONSE_ALREADY_SENT
}

/** The 404, or a request to a path in a form that is not served. */
export function notServed(c: Context<Env>, parts: AppParts): Promise<Response> {
  const { incoming, canonical } = begunOf(c, parts)
  return plain(c, parts, parts.notFound(incoming.method, canonical ? incoming.path : null))
}
