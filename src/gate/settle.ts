import type { Counted, Meter } from '../dialects/dialect.ts'
import type { World } from '../floor/world.ts'
import type { Settled } from '../ledger/ledger.ts'
import { type Msat, ZERO } from '../money/msat.ts'
import { at, ceilingPrice, charge } from '../money/price.ts'
import type { Quantities } from '../money/quantities.ts'
import type { Cost, Held } from './call.ts'
import { type End, outcome } from './outcome.ts'

const NOTHING: Quantities = {}

/** Nobody paid, or no credit moved. */
const UNPAID = { charged: ZERO, owed: ZERO, overrun: ZERO, after: null, wouldCharge: null } as const

/** Closes holds. It is the one place where the money of a request is settled or given back. */
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

  /** Settles or releases the money of a request, once, by the table in `outcome.ts`. */
  async close(held: Held, how: Ending): Promise<Cost> {
    if (!how.sent) return this.#release(held, how.end)
    const { meter, end } = how
    const counted = shownOf(held, how, await this.#count(held, how))
    const { reportedInput, source, ...quantities } = counted
    if (reportedInput !== null) held.estimate.reported(reportedInput)
    const decided = outcome({
      end,
      streamed: held.asked.stream,
      flowed: meter.seen.output,
      sent: true,
      quantities,
      source,
      rate: held.rate,
      hold: ceilingOfHeld(held),
      onUpstreamFailure: this.#onUpstreamFailure,
    })
    if (decided.do === 'release') return this.#release(held, end)
    const { amount, usage } = decided
    const cost = { end, usage, quantities }
    if (held.hold === null) return { ...cost, ...shown(held, null, amount) }
    const charge = { amount, quantities, usage, end, at: this.#world.now() }
    return { ...cost, ...shown(held, await held.holds.settle(held.hold, charge), amount) }
  }

  /** Journals what has been used so far. */
  async journal(held: Held, meter: Meter): Promise<void> {
    if (held.hold === null) return
    const sofar = meter.sofar(held.estimate.rough())
    await held.holds.journal(held.hold, charge(held.rate, sofar))
  }

  /**
   * Counts the prompt only if the backend reported nothing that can be believed and the buyer pays
   * for it. A buyer who leaves before the first token pays for the estimate, like one who leaves
   * after it, not for the bound (threats J15).
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

/** The most that our own count may charge: the hold, or what the hold would have been. */
function ceilingOfHeld({ asked, hold, observed, rate, wanted }: Held): Msat {
  if (hold !== null) return hold.amount
  if (observed === null) return ZERO
  return at(ceilingPrice(rate, asked.most, 'output'), wanted * asked.choices)
}

/** How a request ended. If nothing was sent to a backend, it costs nothing. */
export type Ending = Sent | { readonly sent: false; readonly end: 'client_left' | 'stopped' }

export interface Sent {
  readonly sent: true
  readonly end: End
  /** The answer came in one piece, so the buyer was shown at most what was granted. */
  readonly whole: boolean
  /** Watched the answer. */
  readonly meter: Pick<Meter, 'seen' | 'usage'>
}

/** If the gate shortened a whole answer, the part that it removed is not charged (J8). */
function shownOf(held: Held, { end, whole }: Sent, counted: Counted): Counted {
  if (end !== 'cut' || !whole) return counted
  const granted = held.hold?.granted ?? held.limit * held.asked.choices
  return { ...counted, output: Math.min(counted.output ?? 0, granted) }
}

/** Of an observed request only what would have been charged is told, because no credit moved. */
function shown({ observed }: Held, settled: Settled | null, amount: Msat) {
  if (observed !== null) return { ...UNPAID, wouldCharge: amount }
  if (settled === null) return UNPAID
  const { charged, owed, overrun, after } = settled
  return { charged, owed, overrun, after, wouldCharge: null }
}
