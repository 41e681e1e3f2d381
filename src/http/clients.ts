import { createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import {
  type Ip,
  isLoopback,
  isWithin,
  type Network,
  networkOf,
  readIp,
  readNetwork,
  siteOf,
} from '../floor/address.ts'
import { assert } from '../floor/assert.ts'
import type { Member } from '../floor/quota.ts'

export interface ClientsOptions {
  /** The addresses or CIDR blocks whose `X-Forwarded-*` headers are believed. */
  readonly trustedProxies: readonly string[]
  /** Random, and new in each process, so that the counts of two processes cannot be joined. */
  readonly salt: Uint8Array
  /**
   * Called once if requests come through a proxy that is not in `trustedProxies`. All clients
   * behind it look like one (I3).
   */
  readonly onHidden?: () => void
}

/** Tells clients apart without storing who they are. No address leaves this file (D3). */
export interface Clients {
  /**
   * The client and the site of a request: the same texts for the same client while this process
   * lives. An IPv6 /64 is one client. An IPv6 /48 is one site; it contains 65,536 clients (J17).
   */
  of(request: IncomingMessage): Member
  /** Client and site of a connection. Null if many people share it: loopback, or a trusted proxy. */
  ofConnection(socket: Socket): Member | null
  /** Whether the peer is a trusted proxy. */
  comesFromProxy(request: IncomingMessage): boolean
  /**
   * Whether a program on this machine sent it and its `Host` is a local name: never through a proxy
   * or from a page of another site (H4, I3).
   */
  isLocal(request: IncomingMessage): boolean
}

/** What any proxy on the way may have added. */
const FORWARDED = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'cf-connecting-ip',
  'via',
] as const
/** A host name or address, with a port or without. */
const HOST = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/
const HOPS = 32

export function makeClients(options: ClientsOptions): Clients {
  const trusted = options.trustedProxies.map(trustedNetwork)
  const direct = new WeakMap<Socket, Member>()
  let hidden = false
  const isTrusted = (ip: Ip) => trusted.some((network) => isWithin(ip, network))
  const notice = (request: IncomingMessage) => {
    if (hidden || !isForwarded(request)) return
    const peer = peerOf(request)
    if (peer === null || !isHere(peer)) return
    hidden = true
    options.onHidden?.()
  }
  const comesFromProxy = (request: IncomingMessage) => {
    if (trusted.length === 0) return false
    const peer = peerOf(request)
    return peer !== null && isTrusted(peer)
  }
  const of = (request: IncomingMessage): Member => {
    if (comesFromProxy(request)) return keysOf(clientOf(request, isTrusted), options.salt)
    notice(request)
    const known = direct.get(request.socket)
    if (known !== undefined) return known
    const made = keysOf(peerOf(request), options.salt)
    direct.set(request.socket, made)
    return made
  }
  return {
    comesFromProxy,
    of,
    ofConnection: ({ remoteAddress }) => {
      const peer = readIp(remoteAddress ?? '')
      return peer !== null && (isHere(peer) || isTrusted(peer)) ? null : keysOf(peer, options.salt)
    },
    isLocal: (request) => {
      const peer = peerOf(request)
      if (peer === null || !isHere(peer) || isForwarded(request)) return false
      // nginx with nothing but `proxy_pass` sends HTTP/1.0, and no other sign of a proxy.
      if (request.httpVersion === '1.0') return false
      return isLocalHost(request.headers.host ?? '') && isLocalOrigin(request.headers.origin)
    },
  }
}

/**
 * The clients of the tunnel's own listener. All of them are strangers, so none is local (I3).
 * Cloudflare's header names the client: Cloudflare overwrites what the client sent. The header is
 * believed nowhere else.
 */
export function makeTunnelClients(salt: Uint8Array): Clients {
  return {
    comesFromProxy: () => false,
    of: (request) => keysOf(tunnelled(request), salt),
    ofConnection: () => null,
    isLocal: () => false,
  }
}

const tunnelled = ({ headers }: IncomingMessage): Ip | null =>
  readIp(String(headers['cf-connecting-ip'] ?? ''))

/** All addresses that cannot be read count as one client. */
function keysOf(ip: Ip | null, salt: Uint8Array): Member {
  const hash = (text: string) =>
    createHmac('sha256', salt).update(text).digest('base64url').slice(0, 22)
  return {
    client: hash(ip === null ? 'unknown' : networkOf(ip)),
    site: hash(ip === null ? 'unknown' : siteOf(ip)),
  }
}

const isHere = (ip: Ip): boolean => ip.range() === 'loopback'

const peerOf = (request: IncomingMessage): Ip | null => readIp(request.socket.remoteAddress ?? '')

const isForwarded = ({ headers }: IncomingMessage): boolean =>
  FORWARDED.some((name) => headers[name] !== undefined)

const isLocalHost = (text: string): boolean => isLoopback(HOST.exec(text)?.[1] ?? '')

/**
 * A page of another site can send requests to this machine through a browser on it. Its `Origin`
 * shows that.
 */
function isLocalOrigin(origin: string | undefined): boolean {
  return origin === undefined || isLocalHost(origin.replace(/^https?:\/\//i, ''))
}

/**
 * Reads the forwarded addresses from right to left. Each trusted proxy is believed only about the
 * peer that connected to it. If an address cannot be read, the last readable one counts.
 */
function clientOf(request: IncomingMessage, isTrusted: (ip: Ip) => boolean): Ip | null {
  let client = peerOf(request)
  const said = String(request.headers['x-forwarded-for'] ?? '').split(',')
  for (const hop of said.slice(-HOPS).reverse()) {
    const ip = readIp(hop)
    if (ip === null) return client
    client = ip
    if (!isTrusted(ip)) return client
  }
  return client
}

function trustedNetwork(text: string): Network {
  const network = readNetwork(text)
  assert(network !== null, 'a trusted proxy is an address or a CIDR block')
  return network
}
