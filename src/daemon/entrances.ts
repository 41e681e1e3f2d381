import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Config } from '../config/config.ts'
import type { Envelope } from '../dialects/dialect.ts'
import { envelopeOf } from '../dialects/envelopes.ts'
import type { Member } from '../floor/quota.ts'
import { placeOf } from '../floor/say-error.ts'
import type { Refusal } from '../gate/refusal.ts'
import { makeListener } from '../http/app.ts'
import { BodyShare, passesBounds, strangersBounds } from '../http/body-share.ts'
import { makeClients, makeTunnelClients } from '../http/clients.ts'
import { corsOf } from '../http/cors.ts'
import { type DescribeParts, makeDescribe } from '../http/describe.ts'
import type { AppParts } from '../http/endpoint.ts'
import { makeReceive, type ReceiveOptions } from '../http/incoming.ts'
import { makeNotFound } from '../http/not-found.ts'
import { NO_INVOICES, NOT_FOR_SALE } from '../http/refusals.ts'
import { nodeReply } from '../http/reply.ts'
import type { Rail } from '../rails/rail.ts'
import type { GateParts } from './gate-parts.ts'

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** What listens, and how it tells connections apart. */
export interface Entrance {
  readonly listener: Listener
  readonly clientOf: (socket: Socket) => Member | null
  /** The envelope for errors of requests that are no valid HTTP. */
  readonly errors: Envelope
}

/** What answers the requests that come in. */
interface Served
  extends Pick<
      AppParts,
      'gate' | 'counting' | 'buying' | 'redeeming' | 'ending' | 'pages' | 'withdrawing' | 'routes'
    >,
    Pick<ReceiveOptions, 'readCredentials'> {
  readonly rails: readonly Rail[]
  /** What the documents of the gate are written from. */
  readonly described: Omit<DescribeParts, 'publicUrl'>
}

/** The ways into a gate over HTTP. */
export interface Entrances {
  readonly entrance: Entrance
  /** The same routes for those who come through the tunnel: nobody there is local (I3). */
  tunnelEntrance(publicUrl: () => string | null): Entrance
  /** Bytes that request bodies take now. */
  readonly bodyBytes: () => number
}

/** Why `POST /create-invoice` sells nothing. Null if it does. */
function noInvoices(mode: Config['mode'], methods: readonly string[]): Refusal | null {
  if (methods.includes('l402')) return null
  return mode === 'charge' ? NO_INVOICES : NOT_FOR_SALE
}

export function openEntrances(parts: GateParts, served: Served): Entrances {
  const { config, world, say, play } = parts
  const { readCredentials, described, rails, ...answering } = served
  const salt = world.random(32)
  const clients = makeClients({
    trustedProxies: config.trustedProxies,
    salt,
    onHidden: () => say({ event: 'problem', what: 'clients_look_alike', fix: 'trustedProxies' }),
  })
  const errors = envelopeOf('')
  let tunnelUrl = (): string | null => null
  const bodyLimit = config.limits.bodyBytes
  const shares = {
    passes: new BodyShare(passesBounds(bodyLimit), world.now),
    strangers: new BodyShare(strangersBounds(bodyLimit), world.now),
  }
  const receiving = { world, readCredentials, shares, bodyLimit, ownUrl: parts.ownUrl }
  const app: AppParts = {
    ...answering,
    describe: makeDescribe({ ...described, publicUrl: () => config.publicUrl ?? tunnelUrl() }),
    money: parts.books.kind,
    envelopeOf,
    noInvoices: noInvoices(config.mode, described.terms.methods),
    notFound: makeNotFound(described.terms),
    onError: (error) =>
      say({ event: 'problem', what: 'internal_error', error: error.name, at: placeOf(error) }),
    cors: corsOf(config.cors, {
      exposed: [
        ...rails.flatMap(({ writes }) => writes),
        ...served.routes.all.flatMap(({ dialect }) => dialect.wire.headers),
      ],
      methods: served.routes.all.map(({ method }) => method),
      reads: rails.flatMap(({ reads }) => reads),
    }),
    keyPath: config.dialects.keyPath,
    receive: makeReceive({ ...receiving, clients, publicUrl: () => config.publicUrl }),
    reply: (request, response, standing = null) =>
      nodeReply(request, response, { world, idleMs: config.timeouts.idleMs, standing }),
    playPay: play === null ? null : (invoice) => play.pay(invoice),
    isLocal: (request) => clients.isLocal(request),
  }
  return {
    entrance: { listener: makeListener(app), clientOf: clients.ofConnection, errors },
    tunnelEntrance(publicUrl) {
      tunnelUrl = publicUrl
      const strangers = makeTunnelClients(salt)
      const receive = makeReceive({ ...receiving, clients: strangers, publicUrl })
      const { isLocal, ofConnection: clientOf } = strangers
      const listener = makeListener({ ...app, receive, playPay: null, isLocal })
      return { listener, clientOf, errors }
    },
    bodyBytes: () => shares.passes.bytes + shares.strangers.bytes,
  }
}
