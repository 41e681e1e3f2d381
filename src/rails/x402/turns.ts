import { ClientBucket } from '../../floor/client-bucket.ts'
import { err, type Result } from '../../floor/result.ts'
import { TransientMap } from '../../floor/transient-map.ts'
import type { World } from '../../floor/world.ts'
import type { PaymentRefused, RedeemRefused } from '../rail.ts'
import { x402Refused } from './words.ts'

/** How many payments of one client may be refused by the facilitator in a minute (threats D5). */
const REFUSED_A_MINUTE = 30
/** How many payments are at the facilitator at once. */
const MOST_AT_ONCE = 100

/** Who may ask the facilitator. It is not asked more than it can bear, nor for those who send it nonsense. */
export class FacilitatorTurns {
  readonly #refused: ClientBucket
  /** How many payments of each client are there now. */
  readonly #under = new TransientMap<number>()
  #all = 0

  constructor(world: Pick<World, 'elapsed'>) {
    this.#refused = new ClientBucket(world)
  }

  /** Runs `settle`, or refuses. A payment that `settle` refuses with 402 counts against its client. */
  async run<T>(
    client: string,
    settle: () => Promise<Result<T, RedeemRefused>>,
  ): Promise<Result<T, RedeemRefused>> {
    const wait = this.#refused.wait(client, REFUSED_A_MINUTE, this.#under.get(client) ?? 0)
    if (wait > 0) return err(tooMany(wait))
    if (this.#all >= MOST_AT_ONCE) return err(x402Refused('x402_busy'))
    this.#count(client, 1)
    try {
      const taken = await settle()
      const isRefused = !taken.ok && typeof taken.error !== 'string' && taken.error.status === 402
      if (isRefused) this.#refused.take(client, REFUSED_A_MINUTE)
      return taken
    } finally {
      this.#count(client, -1)
    }
  }

  #count(client: string, more: 1 | -1): void {
    this.#all += more
    const under = (this.#under.get(client) ?? 0) + more
    if (under === 0) this.#under.delete(client)
    else this.#under.set(client, under)
  }
}

const tooMany = (waitMs: number): PaymentRefused =>
  x402Refused('too_many_payments', '', { retryAfterSeconds: Math.ceil(waitMs / 1000) })
