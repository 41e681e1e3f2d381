import { Agent, type Dispatcher, request as send } from 'undici'
import type { Transport } from './ask-json.ts'

/** The connections of this process to services that a public authority vouches for. */
export const plainTransport: Transport = transportOver(undefined)

/** Connections of its own, with a certificate that they trust besides. */
export interface OwnTransport {
  readonly transport: Transport
  close(): Promise<void>
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
  return { transport: transportOver(agent), close: () => agent.destroy() }
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
