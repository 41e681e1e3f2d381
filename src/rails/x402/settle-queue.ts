import { TransientMap } from '../../floor/transient-map.ts'
import type { World } from '../../floor/world.ts'
import type { Settlement } from './facilitator.ts'

/** At most so many settlements wait. */
const MOST = 64
/** ms that one waits for its turn. Its buyer is waiting too. */
const PATIENCE = 30_000

/**
 * Settles one payment at a time: settlements that are sent side by side take the same nonce of the
 * facilitator's account, and all but one of them fail. The same payment is settled once at a time.
 */
export class SettleQueue {
  readonly #world: World
  readonly #running = new TransientMap<Promise<Settlement>>()
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(world: World) {
    this.#world = world
  }

  /** `unreachable` if too many wait, or for too long: then `settle` was not called. */
  async run(payment: string, settle: () => Promise<Settlement>): Promise<Settlement> {
    const running = this.#running.get(payment)
    if (running !== undefined) return await running
    if (this.#waiting >= MOST) return BUSY
    const turn = this.#turn(settle)
    this.#running.set(payment, turn)
    try {
      return await turn
    } finally {
      this.#running.delete(payment)
    }
  }

  async #turn(settle: () => Promise<Settlement>): Promise<Settlement> {
    const since = this.#world.elapsed()
    const before = this.#last
    const mine = before.then(() =>
      this.#world.elapsed() - since > PATIENCE ? Promise.resolve(BUSY) : settle(),
    )
    this.#waiting += 1
    this.#last = mine.catch(() => {})
    try {
      return await mine
    } finally {
      this.#waiting -= 1
    }
  }
}

const BUSY: Settlement = { is: 'unreachable', reason: 'too many payments wait for it' }
