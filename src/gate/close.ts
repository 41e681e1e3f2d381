import type { Counted, Meter } from '../dialects/dialect.ts'
import type { World } from '../floor/world.ts'
import type { Ledger, Settled } from '../ledger/ledger.ts'
import { type Msat, ZERO } from '../money/msat.ts'
import { charge } from '../money/price.ts'
import type { Tokens } from '../money/quantities.ts'
import type { PromptEstimate } from './estimate.ts'
import { type End, outcome } from './outcome.ts'
import type { Purse } from './purse.ts'
import type { Held } from './steps.ts'

/** How the money of one request came out. */
export interface Close {
  readonly end: End | 'refused'
  readonly usage: 'reported' | 'counted' | 'none'
  readonly tokens: Tokens
  readonly charged: Msat
  /** Of the charge: what the account's other requests hold, and what nobody pays. */
  readonly owed: Msat
  readonly overrun: Msat
  /** The account's `available` afterwards; null where nobody paid. */
  readonly after: Msat | null
}

const NO_TOKENS: Tokens = { input: 0, cached: 0, output: 0 }

/** Closes holds: the one place where a request's money is settled or given back. */
export class Closer {
  readonly #ledger: Ledger
  readonly #purse: Purse
  readonly #world: World
  readonly #onUpstreamFailure: 'used' | 'release'

  constructor(parts: {
    readonly ledger: Ledger
    readonly purse: Purse
    readonly world: World
    readonly onUpstreamFailure: 'used' | 'release'
  }) {
    this.#ledger = parts.ledger
    this.#purse = parts.purse
    this.#world = parts.world
    this.#onUpstreamFailure = parts.onUpstreamFailure
  }

  /** Ends the request's money, once, by the outcome table. */
  async close(held: Held, how: Ending): Promise<Close> {
    const { meter, end, estimate } = how
    const flowed = meter.seen.output
    const counted = shownOf(held, how, await this.#count(held, how))
    if (counted.reportedInput !== null) estimate.reported(counted.reportedInput)
    const verdict = outcome({
      end,
      streamed: how.streamed,
      flowed,
      sent: true,
      usage: counted,
      rate: held.rate,
      hold: held.hold?.amount ?? ZERO,
      onUpstreamFailure: this.#onUpstreamFailure,
    })
    if (verdict.do === 'release') return this.#release(held, end)
    const { tokens, usage } = verdict
    if (held.hold === null) {
      return { end, usage, tokens, charged: ZERO, owed: ZERO, overrun: ZERO, after: null }
    }
    const at = this.#world.now()
    const amount = verdict.amount
    const settled = await this.#ledger.settle(held.hold.id, { amount, ...tokens, usage, end, at })
    this.#purse.released(held.hold.account)
    return { end, usage, tokens, ...taken(settled.ok ? settled.value : null) }
  }

  /** Gives a hold back before anything was sent upstream. */
  async giveBack(held: Held, why: 'refused' | 'client_left'): Promise<void> {
    await this.#release(held, why)
  }

  /** Journals what has flowed so far: a crash charges that, no more (threats B5, B6). */
  async journal(held: Held, meter: Meter, estimate: PromptEstimate): Promise<void> {
    if (held.hold === null) return
    const tokens = { input: estimate.rough(), cached: 0, output: meter.seen.floor }
    const sofar = charge(held.rate, tokens)
    const most = sofar < held.hold.amount ? sofar : held.hold.amount
    await this.#ledger.extend(held.hold.id, this.#purse.deadline(), most)
  }

  /**
   * The prompt is counted only where the backend reported nothing that can be believed, and where
   * the buyer pays for it. Who leaves before the first token pays the same estimate as who leaves
   * behind it, not the bound (threats J15).
   */
  async #count({ asked }: Held, { end, meter, estimate }: Ending) {
    const known = meter.usage(asked.inputBound)
    const { source } = known
    const chosen = end === 'client_left' || end === 'outgrown'
    const pays = source === 'counted' || (source === 'none' && chosen)
    return pays ? meter.usage(await estimate.tokens()) : known
  }

  async #release(held: Held, end: End | 'refused'): Promise<Close> {
    const free: Close = {
      end,
      usage: 'none',
      tokens: NO_TOKENS,
      charged: ZERO,
      owed: ZERO,
      overrun: ZERO,
      after: null,
    }
    if (held.hold === null) return free
    const released = await this.#ledger.release(held.hold.id, end, this.#world.now())
    this.#purse.released(held.hold.account)
    return { ...free, ...taken(released.ok ? released.value : null) }
  }
}

/** How a request ended, and what watched it. */
export interface Ending {
  readonly end: End
  readonly streamed: boolean
  /** The answer came in one piece, and was shown no further than it was granted. */
  readonly whole: boolean
  readonly meter: Meter
  readonly estimate: PromptEstimate
}

/** What was taken out of a whole answer is not charged: its output is what was granted (J8). */
function shownOf(held: Held, { end, whole }: Ending, counted: Counted): Counted {
  if (end !== 'cut' || !whole) return counted
  const granted = held.hold?.output ?? held.limit * held.asked.choices
  return { ...counted, output: Math.min(counted.output, granted) }
}

const taken = (settled: Settled | null) => ({
  charged: settled?.charged ?? ZERO,
  owed: settled?.owed ?? ZERO,
  overrun: settled?.overrun ?? ZERO,
  after: settled?.after ?? null,
})
