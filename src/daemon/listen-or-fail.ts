import type { Server } from 'node:http'
import type { Config } from '../config/config.ts'
import { type CannotListen, type Listening, listen } from '../http/listen.ts'
import { Failed } from './failed.ts'

/**
 * Listens as configured. `explicit`: the operator chose the port. Throws `Failed` with what to do.
 */
export async function listenOrFail(
  server: Server,
  { host, port }: Pick<Config, 'host' | 'port'>,
  explicit: boolean,
): Promise<Listening> {
  const listening = await listen(server, { host, port, explicit })
  if (listening.ok) return listening.value
  throw new Failed(cannot(listening.error))
}

function cannot(error: CannotListen): string {
  if (error.why === 'no_such_host') return `--host ${error.host} is no address of this machine`
  if (error.why === 'not_permitted')
    return `port ${error.port} needs more rights: take one above 1023`
  return `port ${error.port} is taken by another program. Stop it, or choose another: --port ${error.port + 1}`
}
