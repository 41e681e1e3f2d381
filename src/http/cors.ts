import type { IncomingMessage, ServerResponse } from 'node:http'

/** `cors` of the settings: origins, or `*`. */
export interface Cors {
  readonly origins: readonly string[]
}

const ALLOWED =
  'Authorization, Content-Type, X-API-Key, Api-Key, X-Cashu, X-Payment, Payment-Signature, X-Request-Id'
const ALLOWED_NAMES: ReadonlySet<string> = new Set(ALLOWED.toLowerCase().split(', '))
/** A header's name (RFC 9110 5.6.2). */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/
/** Names that one preflight is told. */
const MOST_NAMES = 64
const EXPOSED = [
  'WWW-Authenticate, X-Cashu, PAYMENT-REQUIRED, PAYMENT-RESPONSE, X-PAYMENT-RESPONSE, Payment-Receipt',
  'X-Credit-Balance, X-Credit-Balance-Msat, X-Cost-Msat, X-Max-Tokens-Applied, X-Request-Id',
  'X-L402-Price-Sats, X-Satgate-Ignored, Retry-After, X-Should-Retry',
].join(', ')

/**
 * Sets the CORS headers of an answer (Fetch standard 3.2), one origin only. A preflight is answered
 * here, never gated and never charged (G10, D4): false then.
 */
export function setCors(cors: Cors, request: IncomingMessage, response: ServerResponse): boolean {
  const { origin } = request.headers
  const preflight = request.method === 'OPTIONS'
  response.setHeader('vary', preflight ? VARY_PREFLIGHT : 'Origin, Authorization, X-API-Key')
  const allowed = origin !== undefined && (cors.origins.includes('*') || named(cors, origin))
  if (allowed) {
    response.setHeader('access-control-allow-origin', origin)
    response.setHeader('access-control-expose-headers', EXPOSED)
  }
  if (!preflight) return true
  if (allowed) {
    response.setHeader('access-control-allow-methods', 'GET, HEAD, POST, OPTIONS')
    response.setHeader('access-control-allow-headers', allowedHeaders(request))
    response.setHeader('access-control-max-age', '600')
  }
  response.writeHead(204).end()
  return false
}

const VARY_PREFLIGHT = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'

/**
 * What a preflight may send: our own names, and those that it asks for. SDKs add theirs
 * (`x-stainless-*`), and nothing here believes a header because a page may send it (threats K6).
 */
function allowedHeaders({ headers }: IncomingMessage): string {
  const asked = String(headers['access-control-request-headers'] ?? '').split(',', MOST_NAMES)
  const names = asked.map((name) => name.trim()).filter((name) => NAME.test(name))
  return [ALLOWED, ...names.filter((name) => !ALLOWED_NAMES.has(name.toLowerCase()))].join(', ')
}

const named = (cors: Cors, origin: string): boolean => cors.origins.includes(origin)

/**
 * What an answer without a credential does just before its head leaves: it hides from other origins,
 * unless they are named, or a page on the web could use the model of whoever looks at it. Errors and
 * offers stay readable. Null: there is nothing to hide.
 */
export function hidingFromOthers(
  cors: Cors,
  { headers }: IncomingMessage,
  response: ServerResponse,
): ((status: number) => void) | null {
  if (headers.origin === undefined || named(cors, headers.origin)) return null
  return (status) => {
    if (status === 200) response.removeHeader('access-control-allow-origin')
  }
}
