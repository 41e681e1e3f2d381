import type { Server } from 'node:http'
import type { Config } from '../config/config.ts'
import { onLine } from '../floor/printable.ts'
import { sleep, type World } from '../floor/world.ts'
import type { Counts } from '../gate/counts.ts'
import { closeGently } from '../http/server.ts'
import type { Books } from '../ledger/open-ledger.ts'
import type { Composed } from './compose.ts'
import type { Host } from './host.ts'
import type { PublicTunnel } from './public-tunnel.ts'

/** The last event of a gate. */
export interface StoppedEvent {
  readonly event: 'stopped'
  /** Null if the ledger could not be read any more. */
  readonly open_holds: number | null
  readonly held_msat: number | null
  readonly answers: number
  readonly earned_msat: number
}

/**
 * Stops a gate: closes the tunnel and refuses new requests, lets running answers finish for the
 * grace period, settles them, and closes everything.
 */
export async function stopGate(parts: {
  readonly world: World
  readonly gate: Composed
  readonly books: Books
  readonly server: Server
  readonly reach: PublicTunnel | null
  readonly config: Config
  readonly counts: Counts
  readonly say: (event: object) => void
  readonly closers: Cleanup[]
}): Promise<void> {
  const { world, gate, books, server, reach, config, counts, say, closers } = parts
  say({ event: 'stopping' })
  const graceMs = config.timeouts.shutdownMs + 2_000
  const strangersGone = reach?.drain(graceMs)
  gate.refuseNew()
  const drained = closeGently(world, server, graceMs)
  let late = false
  const deadline = world.after(config.timeouts.shutdownMs, () => {
    late = true
  })
  while (gate.running() > 0 && !late) await sleep(world, 25)
  deadline.cancel()
  await gate.endStreams()
  await drained
  await strangersGone
  const open = await books.statement.holds(1_000).catch(() => null)
  await closeAll(closers)
  say({
    event: 'stopped',
    open_holds: open?.length ?? null,
    held_msat: open === null ? null : open.reduce((sum, { amount }) => sum + Number(amount), 0),
    answers: answersOf(counts),
    earned_msat: counts.chargedMsat,
  } satisfies StoppedEvent)
}

/** Requests that were answered completely. Refusals and failures do not count. */
const answersOf = ({ requests }: Counts): number =>
  [...requests.values()]
    .filter(({ end, status }) => end === 'complete' && status < 400)
    .reduce((sum, { n }) => sum + n, 0)

export type Cleanup = () => Promise<void> | void

/** Calls all closers, the newest first, even if one throws. Then it throws the first error. */
export async function closeAll(closers: Cleanup[]): Promise<void> {
  const failures: unknown[] = []
  for (const close of closers.splice(0).reverse()) {
    try {
      await close()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

/** ms, after the grace period, until a gate that nobody can save ends at once. */
const LAST = 15_000

/**
 * Resolves with the exit code when the gate has stopped, because of a signal or because of an
 * unhandled error. After an error, it says so, lets running answers end as always, and the code is
 * 1 (J12).
 */
export function untilStopped(
  host: Host,
  running: { stop(): Promise<void>; lost(error: unknown): Promise<void> },
  about: { readonly graceMs: number; readonly stopping: () => void },
): Promise<number> {
  return new Promise((resolve) => {
    const ended = (code: number) => () => resolve(code)
    const failed = (error: unknown) => {
      const said = error instanceof Error ? error.message : String(error)
      host.stderr.write(`satgate: ${onLine(said)}\n`)
      resolve(1)
    }
    host.onStop(() => {
      about.stopping()
      running.stop().then(ended(0), failed)
    })
    host.onLost((error) => {
      host.world.after(about.graceMs + LAST, () => host.exit(1), 'unref')
      running.lost(error).then(ended(1), failed)
    })
  })
}
