import type { Counted, Meter } from '../dialects/dialect.ts'
import type { World } from '../floor/world.ts'
import type { Settled } from '../ledger/ledger.ts'
import { type Msat, ZERO } from '../money/msat.ts'
import { at, ceilingLine, charge } from '../money/price.ts'
import type { Quantities } from '../money/quantities.ts'
import type { Cost, Held } from './call.ts'
import { type End, outcome } from './outcome.ts'

const NOTHING: Quantities = {}

/** Nobody paid, or nobody's credit moved. */
const UNPAID = { charged: ZERO, owed: ZERO, overrun: ZERO, after: null, wouldCharge: null } as const

/** Closes holds: the one place where a request's money is settled or given back. */
export class Settler {
  readonly #world: World
  readonly #onUpstreamFailure: 'used' | 'release'

  constructor(parts: {
    readonly world: World
    readonly onUpstreamFailure: 'used' | 'release'
  }) {
    this.#world = parts.world
    this.#onUpstreamFailure = parts.onUpstreamFailure
  }

  /** Ends the request's money, once, by the outcome table. */
  async close(held: Held, how: Ending): Promise<Cost> {
    if (!how.sent) return this.#release(held, how.end)
    const { meter, end } = how
    const counted = shownOf(held, how, await this.#count(held, how))
    const { reportedInput, source, ...quantities } = counted
    if (reportedInput !== null) held.estimate.reported(reportedInput)
    const verdict = outcome({
      end,
      streamed: held.asked.stream,
      flowed: meter.seen.output,
      sent: true,
      quantities,
      source,
      rate: held.rate,
      hold: ceilingOf(held),
      onUpstreamFailure: this.#onUpstreamFailure,
    })
    if (verdict.do === 'release') return this.#release(held, end)
    const { amount, usage } = verdict
    const cost = { end, usage, quantities }
    if (held.hold === null) return { ...cost, ...shown(held, null, amount) }
    const charge = { amount, quantities, usage, end, at: this.#world.now() }
    return { ...cost, ...shown(held, await held.holds.settle(held.hold, charge), amount) }
  }

  /** Journals what has flowed so far. */
  async journal(held: Held, meter: Meter): Promise<void> {
    if (held.hold === null) return
    const sofar = meter.sofar(held.estimate.rough())
    await held.holds.journal(held.hold, charge(held.rate, sofar))
  }

  /**
   * The prompt is counted only where the backend reported nothing that can be believed, and where
   * the buyer pays for it. Who leaves before the first token pays the same estimate as who leaves
   * behind it, not the bound (threats J15).
   */
  async #count({ asked, estimate }: Held, { end, meter }: Sent) {
    const known = meter.usage(asked.most.input)
    const { source } = known
    const chosen = end === 'client_left' || end === 'outgrown'
    const pays = source === 'counted' || (source === 'none' && chosen)
    return pays ? meter.usage(await estimate.tokens()) : known
  }

  async #release(held: Held, end: End): Promise<Cost> {
    const free = { end, usage: 'none', quantities: NOTHING } as const
    if (held.hold === null) return { ...free, ...shown(held, null, ZERO) }
    return { ...free, ...shown(held, await held.holds.release(held.hold, end), ZERO) }
  }
}

/** The most that is charged of a count of our own: the hold, or what it would have been. */
function ceilingOf({ asked, hold, observed, rate, wanted }: Held): Msat {
  if (hold !== null) return hold.amount
  if (observed === null) return ZERO
  return at(ceilingLine(rate, asked.most, 'output'), wanted * asked.choices)
}

/** How a request ended. Not sent: nothing of it went to a backend, so it costs nothing. */
export type Ending = Sent | { readonly sent: false; readonly end: 'client_left' | 'stopped' }

export interface Sent {
  readonly sent: true
  readonly end: End
  /** The answer came in one piece, and was shown no further than it was granted. */
  readonly whole: boolean
  /** What watched the answer. */
  readonly meter: Pick<Meter, 'seen' | 'usage'>
}

/** What was taken out of a whole answer is not charged: its output is what was granted (J8). */
function shownOf(held: Held, { end, whole }: Sent, counted: Counted): Counted {
  if (end !== 'cut' || !whole) return counted
  const granted = held.hold?.granted ?? held.limit * held.asked.choices
  return { ...counted, output: Math.min(counted.output ?? 0, granted) }
}

/** Of an observed request the amount is only what would have been charged: nobody's credit moved. */
function shown({ observed }: Held, settled: Settled | null, amount: Msat) {
  if (observed !== null) return { ...UNPAID, wouldCharge: amount }
  if (settled === null) return UNPAID
  const { charged, owed, overrun, after } = settled
  return { charged, owed, overrun, after, wouldCharge: null }
}
