import type { IncomingMessage } from 'node:http'
import type { World } from '../floor/world.ts'
import type { Incoming } from '../gate/ports.ts'
import { type Refusal, refuse } from '../gate/refusal.ts'
import { readBody } from './body.ts'
import type { Clients } from './clients.ts'

export interface ReceiveOptions {
  readonly world: World
  readonly clients: Clients
  /** `limits.body`, in bytes. */
  readonly bodyLimit: number
  /** For a whole body, in ms. */
  readonly bodyMs?: number
  /** As configured, or as the tunnel is called now; without a slash at its end. Null: as the buyer says. */
  readonly publicUrl: () => string | null
  /** `http://127.0.0.1:3000`, where a request does not say. */
  readonly ownUrl: () => string
}

export type Received =
  | { readonly ok: true; readonly value: Incoming }
  | { readonly ok: false; readonly error: Refusal; readonly incoming: Incoming }

export type Receive = (
  request: IncomingMessage,
  body: 'none' | 'small' | 'whole',
) => Promise<Received>

const SMALL = 65_536
const NONE = new Uint8Array(0)
const NOT_FOUND = refuse(404, 'not_found', 'Nothing is served at this path.')

/**
 * Makes what turns a request into an `Incoming`: a path that is spelled exactly, a body within its
 * limits, a client that is nobody in particular. Refusals: 404 of the path, and those of `readBody`.
 */
export function makeReceive(options: ReceiveOptions): Receive {
  const { world, clients, bodyLimit, bodyMs = 60_000 } = options
  return async (request, body) => {
    const path = canonicalPath(request.url)
    const incoming: Incoming = {
      id: newId(world),
      method: request.method ?? 'GET',
      path: path ?? '',
      rawHeaders: request.rawHeaders,
      body: NONE,
      client: clients.key(request),
      origin: originOf(request, options),
      trailers: request.httpVersion === '1.1',
    }
    if (path === null) return { ok: false, error: NOT_FOUND, incoming }
    if (body === 'none') return { ok: true, value: incoming }
    const limit = body === 'small' ? SMALL : bodyLimit
    const read = await readBody(request, { limit, deadlineMs: bodyMs })
    if (!read.ok) return { ok: false, error: read.error, incoming }
    return { ok: true, value: { ...incoming, body: read.value } }
  }
}

/**
 * Names a request, and its hold: 24 hex digits, the time first. Ids that grow are put at the end of
 * the ledger's index; random ones cost it twice as much.
 */
function newId(world: World): string {
  const random = Buffer.from(world.random(6)).toString('hex')
  return `${world.now().toString(16).padStart(12, '0')}${random}`
}

/**
 * The path of a request target (RFC 9112 3.2), without its query; null for everything that two
 * parsers could read in two ways: absolute form, `//`, dot segments, escapes, `@`, backslashes (G1).
 */
export function canonicalPath(target: string | undefined): string | null {
  const path = target?.split('?', 1)[0] ?? ''
  if (path === '/') return path
  const plain = /^(?:\/[A-Za-z0-9_~:.-]+)+$/.test(path)
  return plain && !/\/\.\.?(?:\/|$)/.test(path) ? path : null
}

const HOST = /^(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/

/** Where the buyer reaches us, for links in its own answer. Only a trusted proxy may say https. */
function originOf(
  request: IncomingMessage,
  { publicUrl, ownUrl, clients }: Pick<ReceiveOptions, 'publicUrl' | 'ownUrl' | 'clients'>,
): string {
  const known = publicUrl()
  if (known !== null) return known
  const proxied = clients.comesFromProxy(request)
  const told = proxied ? last(request.headers['x-forwarded-host']) : undefined
  const host = told ?? request.headers.host ?? ''
  if (!HOST.test(host)) return ownUrl()
  const secure = proxied && last(request.headers['x-forwarded-proto']) === 'https'
  return `${secure ? 'https' : 'http'}://${host}`
}

/** The value that the nearest proxy wrote. */
function last(header: string | string[] | undefined): string | undefined {
  return header === undefined ? undefined : String(header).split(',').at(-1)?.trim()
}
