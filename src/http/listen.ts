import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { err, ok, type Result } from '../floor/result.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 means any free port. */
  readonly port: number
  /** Whether the operator chose this port. Then no other port is tried. */
  readonly explicit: boolean
}

export interface Listening {
  readonly port: number
  /** The ports that were taken, in the order in which they were tried. */
  readonly taken: readonly number[]
}

export type CannotListen =
  | { readonly why: 'port_taken'; readonly port: number }
  | { readonly why: 'not_permitted'; readonly port: number }
  | { readonly why: 'no_such_host'; readonly host: string }

/** How many ports are tried if the default port is taken. */
const TRIES = 21

/**
 * Listens. If the default port is taken, it tries the next ones. Throws on other errors of input
 * and output.
 */
export async function listen(
  server: Server,
  { host, port, explicit }: ListenOptions,
): Promise<Result<Listening, CannotListen>> {
  const taken: number[] = []
  const last = explicit || port === 0 ? port : Math.min(port + TRIES - 1, 65_535)
  for (let next = port; next <= last; next += 1) {
    const code = await tryPort(server, host, next)
    if (code === null) return ok({ port: (server.address() as AddressInfo).port, taken })
    if (code === 'EACCES' || code === 'EPERM') return err({ why: 'not_permitted', port: next })
    if (code !== 'EADDRINUSE') return err({ why: 'no_such_host', host })
    taken.push(next)
  }
  return err({ why: 'port_taken', port })
}

const EXPECTED = [
  'EACCES',
  'EPERM',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EINVAL',
]

/** Tries to listen. Returns null, or why it cannot. */
function tryPort(server: Server, host: string, port: number): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      server.off('listening', onListening)
      if (error.code !== undefined && EXPECTED.includes(error.code)) resolve(error.code)
      else reject(error)
    }
    const onListening = () => {
      server.off('error', onError)
      resolve(null)
    }
    server.once('error', onError).once('listening', onListening).listen(port, host)
  })
}
