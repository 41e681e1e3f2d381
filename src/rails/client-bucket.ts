import { type Level, takeOne } from '../floor/rate-limit.ts'
import type { World } from '../floor/world.ts'

const MINUTE = 60_000
/** Clients that are remembered: who has asked for nothing in a minute is forgotten anyway. */
const MOST = 10_000

/**
 * How many invoices one client or one account is given in a minute, so that nobody uses up what a wallet
 * makes for all of them (threats J6). Filled evenly.
 */
export class ClientBucket {
  readonly #world: Pick<World, 'now'>
  readonly #buckets = new Map<string, Level>()

  constructor(world: Pick<World, 'now'>) {
    this.#world = world
  }

  /** Takes one of `size` a minute, at least one: 0, or the ms that this client has to wait. */
  take(client: string, size: number): number {
    const now = this.#world.now()
    const level = takeOne(this.#buckets.get(client), { size, now })
    if ('waitMs' in level) return level.waitMs
    this.#buckets.delete(client)
    this.#buckets.set(client, level)
    this.#forget(now)
    return 0
  }

  /** In the order in which they last took one: the first that is not full ends the search. */
  #forget(now: number): void {
    for (const [client, { at }] of this.#buckets) {
      if (now - at < MINUTE && this.#buckets.size <= MOST) return
      this.#buckets.delete(client)
    }
  }
}
