import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import type { Envelope } from '../dialects/dialect.ts'
import type { Member } from '../floor/quota.ts'
import { every, type World } from '../floor/world.ts'
import { awaitsContinue } from './body.ts'
import { Connections } from './connections.ts'

export interface ServerOptions {
  /** How errors are written if a request cannot be parsed, because then its path is not known. */
  readonly errors: Envelope
  /**
   * Names the client of a connection. Null if many people share this address, as behind a proxy.
   */
  readonly clientOf: (socket: Socket) => Member | null
  /** The largest number of connections. Further ones are closed without an answer. */
  readonly connections?: number
  /**
   * The largest number of connections of one client. A site may have four times as many (threats
   * J7).
   */
  readonly connectionsEach?: number
  /** The time in ms in which the head of a request must arrive (threats D6). */
  readonly headMs?: number
  /** The time in ms in which a whole request must arrive (threats D6). */
  readonly requestMs?: number
}

const connectionsOf = new WeakMap<Server, Connections>()

/**
 * The public listener. It uses Node's own parser in its strict mode: a length together with chunks,
 * two lengths, and folded lines are 400 (threats G4). Clients that send slowly have deadlines
 * (threats D6). TCP_NODELAY is set, so that writes are not delayed.
 */
export function gateServer(listener: RequestListener, options: ServerOptions): Server {
  const { connections = 20_000, headMs = 20_000, requestMs = 120_000 } = options
  const { clientOf, connectionsEach: each = 512 } = options
  const lines = new Connections({ clientOf, each })
  const server = createServer(
    {
      maxHeaderSize: 65_536,
      headersTimeout: Math.min(headMs, requestMs),
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(5_000, headMs),
      // Longer than proxies in front keep a connection: cloudflared 90 s, Caddy 2 min (threats
      // K20).
      keepAliveTimeout: 150_000,
      insecureHTTPParser: false,
      requireHostHeader: true,
      noDelay: true,
    },
    (request, response) => {
      if (lines.asked(request.socket, response)) listener(request, response)
    },
  )
  server.maxConnections = connections
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    awaitsContinue(request, response)
    server.emit('request', request, response)
  })
  connectionsOf.set(server, lines)
  server.on('connection', (socket) => lines.opened(socket))
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket
    const response = lines.answering(socket)
    const midway = response?.headersSent === true && !response.writableFinished
    if (midway || !socket.writable || error.code === 'ECONNRESET') socket.destroy()
    else refuseConnection(socket, options.errors, error.code)
  })
  return server
}

const BROKEN: Readonly<Record<string, readonly [status: string, code: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'headers_too_large',
    'The headers are larger than 64 KiB.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    '408 Request Timeout',
    'request_timeout',
    'The request took too long to arrive.',
  ],
}

/**
 * If a request could not be parsed, sends an error that clients can read, and ends the connection.
 */
function refuseConnection(socket: Socket, errors: Envelope, code: string | undefined): void {
  const [status, name, message] = BROKEN[code ?? ''] ?? [
    '400 Bad Request',
    'bad_request',
    'This is not an HTTP request that can be read in one way only.',
  ]
  const problem = { status: Number.parseInt(status, 10), code: name, message, param: null }
  const body = JSON.stringify(errors.error(problem, null))
  const head = [
    `HTTP/1.1 ${status}`,
    `content-type: ${errors.contentType}`,
    'cache-control: no-store',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroySoon())
}

/**
 * Accepts no more connections, lets running answers end, and cuts those that still run after
 * `graceMs`. Resolves with the number of connections that were cut.
 */
export async function closeGently(world: World, server: Server, graceMs: number): Promise<number> {
  if (!server.listening) return 0
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  connectionsOf.get(server)?.endUnasked()
  // A kept connection becomes idle when its answer ends. Only this code closes it then.
  const sweep = every(world, 50, () => server.closeIdleConnections())
  let cut = 0
  const deadline = world.after(graceMs, () => {
    server.getConnections((_, count) => {
      cut = count ?? 0
      server.closeAllConnections()
    })
  })
  await closed
  sweep.cancel()
  deadline.cancel()
  return cut
}
