import { Agent, type Dispatcher, request as send, WebSocket } from 'undici'
import type { Transport } from './ask-json.ts'

/** The connections of this process to services that a public authority vouches for. */
export const plainTransport: Transport = transportOver(undefined)

/** Connections of its own, with a certificate that they trust besides. */
export interface OwnTransport {
  readonly transport: Transport
  /** Opens a websocket that only listens. Whoever asks has a deadline for its opening. */
  socket(url: URL, headers: Readonly<Record<string, string>>, told: SocketTold): { close(): void }
  close(): Promise<void>
}

export interface SocketTold {
  onOpen(): void
  onMessage(): void
  /** It failed or was closed. It may be called more than once. */
  onEnd(): void
}

/** `ca` is in PEM; null: the certificates that this machine trusts. `connectMs` bounds a connection alone. */
export function ownTransport(options: {
  readonly ca: string | null
  readonly connectMs: number
}): OwnTransport {
  const { ca, connectMs } = options
  const agent = new Agent({
    connect: {
      ...(ca === null ? {} : { ca }),
      timeout: connectMs,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    },
  })
  return {
    transport: transportOver(agent),
    socket(url, headers, { onOpen, onMessage, onEnd }) {
      const at = new URL(url)
      at.protocol = url.protocol.replace('http', 'ws')
      const socket = new WebSocket(at, { headers, dispatcher: agent })
      socket.addEventListener('open', onOpen)
      socket.addEventListener('message', onMessage)
      socket.addEventListener('error', onEnd)
      socket.addEventListener('close', onEnd)
      return socket
    },
    close: () => agent.destroy(),
  }
}

function transportOver(dispatcher: Dispatcher | undefined): Transport {
  return async (url, { method, headers, body, signal }) => {
    const answer = await send(url, {
      ...{ method, headers, body, signal },
      // Whoever asks has a deadline of their own, and a subscription has none.
      ...{ headersTimeout: 0, bodyTimeout: 0 },
      ...(dispatcher === undefined ? {} : { dispatcher }),
    })
    return {
      status: answer.statusCode,
      headers: { get: (name) => first(answer.headers[name.toLowerCase()]) },
      body: answer.body,
    }
  }
}

const first = (value: string | string[] | undefined): string | null =>
  (Array.isArray(value) ? value[0] : value) ?? null
