import { fromSat, type Msat, subtract, ZERO } from './msat.ts'

/**
 * A payment of `amountSats` or more buys the credit that it pays and, as a bonus, the difference to
 * `creditSats`. Whole sats; `creditSats` is at least `amountSats`.
 */
export interface Tier {
  readonly amountSats: number
  readonly creditSats: number
}

/** Amounts that are shown to buyers if no tiers are configured. They buy what they pay. */
const AT_PAR: readonly Tier[] = [10, 100, 1000].map((sats) => ({
  amountSats: sats,
  creditSats: sats,
}))

/** What larger payments buy, on every way of paying. */
export class Tiers {
  /** The amounts that buyers are shown, never empty, the smallest first. */
  readonly shown: readonly Tier[]

  /** `configured` is in any order; two tiers never have one amount. */
  constructor(configured: readonly Tier[]) {
    const rising = [...configured].sort((a, b) => a.amountSats - b.amountSats)
    this.shown = rising.length === 0 ? AT_PAR : rising
  }

  /**
   * The bonus of a payment, in msat: the largest of the tiers that it reaches. So whoever pays more
   * never gets less, and a payment between two tiers gets the bonus of a lower one.
   */
  bonusOf(paid: Msat): Msat {
    let bonus = ZERO
    for (const { amountSats, creditSats } of this.shown) {
      const added = subtract(fromSat(creditSats), fromSat(amountSats))
      if (paid >= fromSat(amountSats) && added > bonus) bonus = added
    }
    return bonus
  }
}
