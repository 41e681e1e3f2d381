import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FlatHeaders } from '../gate/ports.ts'

/** Which web pages may call the gate, and what they may see of its answers. */
export interface Cors {
  /** The setting `cors`: origins, or `*`. */
  readonly origins: readonly string[]
  /** Header names that pages may read of an answer, as one value. */
  readonly exposed: string
  /** Header names that pages may send, in lower case. */
  readonly allowed: ReadonlySet<string>
  /** The same names, as one value. */
  readonly allows: string
  /** Methods that pages may use, as one value. */
  readonly methods: string
  /** The headers of an answer that no page may read. */
  readonly forNoPage: Standing
}

const ALLOWED = [
  ...['Authorization', 'Content-Type', 'X-API-Key', 'Api-Key', 'Accept-Payment', 'X-Cashu'],
  ...['X-Payment', 'Payment-Signature', 'Payment-Authorization', 'X-Request-Id'],
]
/**
 * The headers of a request on which every answer depends, whichever rails are on: a cache must not give
 * one buyer's answer to another (threats F7).
 */
const VARIES = ['Origin', 'Authorization', 'X-API-Key', 'Accept-Payment']
/** The name of a header (RFC 9110 5.6.2). */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/
/** One preflight allows at most so many names. */
const MOST_NAMES = 64
const EXPOSED = [
  ...['WWW-Authenticate', 'X-Cashu', 'PAYMENT-REQUIRED', 'PAYMENT-RESPONSE', 'X-PAYMENT-RESPONSE'],
  ...['Payment-Receipt', 'X-Credit-Balance', 'X-Credit-Balance-Msat', 'X-Cost-Msat'],
  ...['X-Max-Tokens-Applied', 'X-Request-Id', 'X-L402-Price-Sats', 'X-Satgate-Ignored'],
  ...['X-Satgate-Pass', 'Retry-After', 'X-Should-Retry'],
]
const METHODS = ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']

/** What the gate itself writes and serves, and what its rails and routes do besides. */
export function corsOf(
  origins: readonly string[],
  besides: {
    readonly exposed: readonly string[]
    readonly methods: readonly string[]
    /** The headers that rails read. */
    readonly reads: readonly string[]
  },
): Cors {
  const allows = joined(ALLOWED, besides.reads)
  const plain = [...NOSNIFF, joined(VARIES, besides.reads)]
  return {
    origins,
    exposed: joined(EXPOSED, besides.exposed),
    allowed: new Set(allows.toLowerCase().split(', ')),
    allows,
    methods: joined(METHODS, besides.methods),
    forNoPage: { served: plain, refused: plain },
  }
}

/** Each name once, however it is written. */
function joined(own: readonly string[], more: readonly string[]): string {
  const known = new Set(own.map((name) => name.toLowerCase()))
  return [...own, ...new Set(more.filter((name) => !known.has(name.toLowerCase())))].join(', ')
}

/** Headers that stand in every answer of a route, besides its own. */
export interface Standing {
  /** In a 200. */
  readonly served: FlatHeaders
  /** In an error or an offer. */
  readonly refused: FlatHeaders
}

const NOSNIFF = ['x-content-type-options', 'nosniff', 'vary'] as const

/**
 * The headers with which a route answers a page of another site (Fetch standard 3.2), with one
 * origin only. `open`: the request has no pass. Then the page may not read a 200, unless the
 * operator named its origin. Otherwise any page on the web could use a free model of the person who
 * looks at the page. Errors and offers stay readable.
 */
export function standing(cors: Cors, { headers }: IncomingMessage, open: boolean): Standing {
  const { origin } = headers
  if (origin === undefined || !isAllowed(cors, origin)) return cors.forNoPage
  const exposed = [...cors.forNoPage.served, 'access-control-expose-headers', cors.exposed]
  const readable = [...exposed, 'access-control-allow-origin', origin]
  return { served: open && !named(cors, origin) ? exposed : readable, refused: readable }
}

/**
 * Sets the headers of an answer that no route gives: the same as `standing`. It answers preflights
 * itself, without asking for a pass or money (threats G10, D4), and then returns false.
 */
export function setCors(cors: Cors, request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method !== 'OPTIONS') {
    const { refused } = standing(cors, request, false)
    for (let at = 0; at + 1 < refused.length; at += 2) {
      response.setHeader(refused[at] ?? '', refused[at + 1] ?? '')
    }
    return true
  }
  const { origin } = request.headers
  const headers: string[] = [...NOSNIFF, VARY_PREFLIGHT]
  if (origin !== undefined && isAllowed(cors, origin)) {
    headers.push('access-control-allow-origin', origin)
    headers.push('access-control-expose-headers', cors.exposed)
    headers.push('access-control-allow-methods', cors.methods)
    headers.push('access-control-allow-headers', allowedHeaders(cors, request))
    headers.push('access-control-max-age', '600')
  }
  response.writeHead(204, headers).end()
  return false
}

const isAllowed = (cors: Cors, origin: string): boolean =>
  cors.origins.includes('*') || named(cors, origin)

const VARY_PREFLIGHT = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'

/**
 * The headers that a page may send: our own, and those that its preflight asks for. SDKs add
 * headers of their own (`x-stainless-*`), and the gate trusts no header because a page may send it
 * (threats K6).
 */
function allowedHeaders(cors: Cors, { headers }: IncomingMessage): string {
  const asked = String(headers['access-control-request-headers'] ?? '').split(',', MOST_NAMES)
  const names = asked.map((name) => name.trim()).filter((name) => NAME.test(name))
  return [cors.allows, ...names.filter((name) => !cors.allowed.has(name.toLowerCase()))].join(', ')
}

const named = (cors: Cors, origin: string): boolean => cors.origins.includes(origin)
