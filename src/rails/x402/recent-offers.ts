import type { World } from '../../floor/world.ts'
import type { UsdPerBtc } from '../../money/parse.ts'
import type { MicroUsd } from '../../money/usd.ts'
import { OFFER_LIFE } from './signed-offer.ts'

/** Offers that could be paid now, taken together. */
export interface Recent {
  /** The lowest rate of them: the one at which a dollar buys the most sats. */
  readonly rate: UsdPerBtc
  /** The smallest amount of them. */
  readonly amount: MicroUsd
}

interface Second extends Recent {
  /** ms since the epoch. */
  readonly begins: number
}

const SECOND = 1_000

/**
 * What was offered in the last two minutes. A payment of version 1 names no offer, so it gets the rate of
 * them that is best for its buyer (threats L5). There is one entry for each second with an offer.
 */
export class RecentOffers {
  readonly #world: Pick<World, 'now'>
  #seconds: Second[] = []

  constructor(world: Pick<World, 'now'>) {
    this.#world = world
  }

  note({ amount, rate }: Recent): void {
    const begins = Math.floor(this.#world.now() / SECOND) * SECOND
    const last = this.#seconds.at(-1)
    if (last?.begins !== begins) {
      this.#seconds = [...this.#good(), { begins, amount, rate }]
    } else if (amount < last.amount || rate < last.rate) {
      this.#seconds[this.#seconds.length - 1] = { begins, ...lower(last, { amount, rate }) }
    }
  }

  /** Null: nothing was offered. */
  best(): Recent | null {
    return this.#good().reduce<Recent | null>(
      (best, second) => (best === null ? second : lower(best, second)),
      null,
    )
  }

  #good(): readonly Second[] {
    const now = this.#world.now()
    // A clock that was set back makes offers of the future, which are no better.
    return this.#seconds.filter(
      ({ begins }) => begins + SECOND > now - OFFER_LIFE && begins <= now + OFFER_LIFE,
    )
  }
}

const lower = (a: Recent, b: Recent): Recent => ({
  rate: a.rate < b.rate ? a.rate : b.rate,
  amount: a.amount < b.amount ? a.amount : b.amount,
})
