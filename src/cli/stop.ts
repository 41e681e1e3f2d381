import type { Server } from 'node:http'
import type { Config } from '../config/config.ts'
import { closeGently } from '../http/server.ts'
import type { Books } from '../ledger/books.ts'
import type { Composed } from './compose.ts'
import type { Reach } from './reach.ts'

/**
 * Takes nothing new, strangers first, lets streams finish for the grace period, settles, closes
 * everything.
 */
export async function stopGate(parts: {
  readonly gate: Composed
  readonly books: Books
  readonly server: Server
  readonly reach: Reach | null
  readonly config: Config
  readonly say: (event: object) => void
  readonly closers: (() => Promise<void> | void)[]
}): Promise<void> {
  const { gate, books, server, reach, config, say, closers } = parts
  say({ event: 'stopping' })
  const graceMs = config.timeouts.shutdownMs + 2_000
  const strangersGone = reach?.drain(graceMs)
  gate.refuseNew()
  const drained = closeGently(server, graceMs)
  const until = performance.now() + config.timeouts.shutdownMs
  while (gate.running() > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  await gate.endStreams()
  await drained
  await strangersGone
  const open = await books.statement.holds(1_000)
  for (const close of closers.reverse()) await close()
  say({ event: 'stopped', open_holds: open.length })
}
