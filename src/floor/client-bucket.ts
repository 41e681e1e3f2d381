import { type Level, takeOne } from './rate-limit.ts'
import { TransientMap } from './transient-map.ts'
import type { World } from './world.ts'

const MINUTE = 60_000
/**
 * How many clients are remembered. A client that asked for nothing in a minute is forgotten anyway.
 */
const MOST = 10_000

/**
 * How much one client or one account gets in a minute: invoices, of which one of them could otherwise
 * use up those that the wallet makes for all (threats J6), rotations, or payments that are refused
 * (threats D5). What was taken comes back evenly over the minute.
 */
export class ClientBucket {
  readonly #world: Pick<World, 'elapsed'>
  readonly #buckets = new TransientMap<Level>()

  constructor(world: Pick<World, 'elapsed'>) {
    this.#world = world
  }

  /**
   * Takes one of `size` a minute (at least one a minute is allowed). Returns 0, or the ms that this
   * client must wait.
   */
  take(client: string, size: number): number {
    const now = this.#world.elapsed()
    const level = takeOne(this.#buckets.get(client), { size, now })
    if ('waitMs' in level) return level.waitMs
    this.#buckets.delete(client)
    this.#buckets.set(client, level)
    this.#forget(now)
    return 0
  }

  /**
   * The ms that this client must wait, without taking one. `under` of its own are under way, and may still
   * take theirs. That does not matter for a client that has taken none.
   */
  wait(client: string, size: number, under = 0): number {
    const before = this.#buckets.get(client)
    if (before === undefined) return 0
    const level = takeOne(before, { size, keeps: under, now: this.#world.elapsed() })
    return 'waitMs' in level ? level.waitMs : 0
  }

  /**
   * Clients lie in the order in which they last took one, so the first that is still needed ends
   * the search.
   */
  #forget(now: number): void {
    for (const [client, { at }] of this.#buckets.entries()) {
      if (now - at < MINUTE && this.#buckets.size <= MOST) return
      this.#buckets.delete(client)
    }
  }
}
