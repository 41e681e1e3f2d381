import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import { formatUsd } from '../money/usd.ts'
import type { X402Payments } from '../rails/x402/payments.ts'

/** ms after which a payment without an end is a problem. Most facilitators answer within seconds. */
export const LATE = 120_000
const LOOK = { first: 5_000, every: 15_000, longest: 600_000 }
/** More are not counted. */
const MOST = 1_000

/** Payments in dollars that were sent, and of which nobody knows for some time whether they arrived. */
export class UnknownPayments {
  readonly #payments: Pick<X402Payments, 'open'>
  readonly #world: Pick<World, 'now'>
  readonly #say: (event: object) => void
  #told = false

  constructor(parts: {
    readonly payments: Pick<X402Payments, 'open'>
    readonly world: Pick<World, 'now'>
    readonly say: (event: object) => void
  }) {
    this.#payments = parts.payments
    this.#world = parts.world
    this.#say = parts.say
  }

  /** How many there are, at most a thousand. */
  get count(): number {
    return this.#late().length
  }

  /** Looks from time to time, and tells the operator when there are some, and when there are none again. */
  start(background: Background): { stop(): Promise<void> } {
    return background.repeat('payments that have no end', LOOK, () => this.look())
  }

  look(): void {
    const late = this.#late()
    const what = 'payments_unknown'
    const [oldest] = late
    if (oldest !== undefined && !this.#told) {
      const usd = late.reduce((sum, { requirement }) => sum + requirement.amount, 0n)
      const since = new Date(oldest.at).toISOString()
      const about = { payments: late.length, usd: formatUsd(usd), since }
      this.#say({ event: 'problem', what, ...about })
    }
    if (oldest === undefined && this.#told) this.#say({ event: 'solved', what })
    this.#told = oldest !== undefined
  }

  #late() {
    const before = this.#world.now() - LATE
    return this.#payments.open(MOST).filter(({ at, state }) => state === 'settling' && at <= before)
  }
}
