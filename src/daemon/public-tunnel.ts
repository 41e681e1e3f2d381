import type { Config } from '../config/config.ts'
import { assert } from '../floor/assert.ts'
import type { Background } from '../floor/background.ts'
import { listen } from '../http/listen.ts'
import { closeGently, gateServer } from '../http/server.ts'
import type { Composed } from './compose.ts'
import type { Host } from './host.ts'
import { Tunnel } from './tunnel.ts'
import type { TunnelChoice } from './tunnel-choice.ts'

/** How strangers reach this gate through Cloudflare. */
export interface PublicTunnel {
  /** `https://…`. Null if it has no address yet. */
  readonly publicUrl: string | null
  /** At the start. */
  readonly state: 'open' | 'down'
  /** A line about it for the operator. */
  readonly note: string
  /** Lets no new requests in. Resolves when the running ones are answered, or cut after `ms`. */
  drain(ms: number): Promise<void>
  close(): Promise<void>
}

/** ms that the gate waits for an address before it says that it is ready. */
const FIRST = 15_000

/**
 * Opens the tunnel on a listener of its own, and waits a while for its address. If the address
 * comes later or changes, the event `solved` reports it as `public_url`. The gate runs without a
 * tunnel too.
 */
export async function openPublicTunnel(
  { program, why }: Extract<TunnelChoice, { readonly program: string }>,
  parts: {
    readonly host: Host
    readonly config: Config
    readonly gate: Composed
    readonly say: (event: object) => void
    readonly background: Background
  },
): Promise<PublicTunnel> {
  const { host, config, gate, say, background } = parts
  let tunnel: Tunnel | null = null
  const entrance = gate.tunnelEntrance(() => tunnel?.url ?? null)
  const server = gateServer(entrance.listener, entrance)
  const listening = await listen(server, { host: '127.0.0.1', port: 0, explicit: true })
  assert(listening.ok, 'loopback has a free port')
  server.on('error', (error) => background.failed('tunnel listener', error))
  let announced = false
  const down = () => {
    if (announced) say({ event: 'problem', what: 'tunnel_down' })
  }
  const opened = new Tunnel({
    world: host.world,
    program,
    port: listening.value.port,
    folder: config.dataDir,
    env: host.env,
    graceMs: config.timeouts.shutdownMs,
    onUp(url) {
      if (!announced) return
      say({ event: 'solved', what: 'tunnel_down', public_url: url })
    },
    onDown: down,
  })
  tunnel = opened
  const publicUrl = await opened.first(FIRST)
  announced = true
  if (publicUrl === null) down()
  return {
    publicUrl,
    state: publicUrl === null ? 'down' : 'open',
    note: publicUrl === null ? NOT_YET : why === 'nobody_to_ask' ? UNASKED : PUBLIC,
    async drain(ms) {
      opened.drain()
      await closeGently(host.world, server, ms)
    },
    async close() {
      await opened.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

const PUBLIC =
  'anybody can reach the public address. It is a new one after each start. --no-tunnel: none'
const UNASKED =
  'anybody can reach the public address: "tunnel: auto" opened it, and there was no terminal to ask on. It is a new one after each start. --no-tunnel: none'
const NOT_YET =
  'the tunnel has no address yet: only this machine reaches the gate. A line says when it has one'
