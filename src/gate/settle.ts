import type { Counted, Meter } from '../dialects/dialect.ts'
import { type Awaitable, andThen } from '../floor/awaitable.ts'
import type { World } from '../floor/world.ts'
import type { Charge, Settled } from '../ledger/ledger.ts'
import { type Msat, ZERO } from '../money/msat.ts'
import { at, ceilingPrice, charge } from '../money/price.ts'
import type { Quantities } from '../money/quantities.ts'
import { type MicroUsd, microUsd } from '../money/usd.ts'
import type { Cost, Held } from './call.ts'
import { type End, outcome } from './outcome.ts'

const NOTHING: Quantities = {}

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
  close(held: Held, how: Ending): Awaitable<Cost> {
    if (!how.sent) return this.#release(held, how.end)
    return andThen(this.#count(held, how), (counted) =>
      this.#charge(held, how, shownOf(held, how, counted)),
    )
  }

  /** Journals what has been used so far. */
  journal(held: Held, meter: Meter): Awaitable<void> {
    if (held.hold === null) return
    const sofar = meter.sofar(held.estimate.rough())
    return held.holds.journal(held.hold, charge(held.rate, sofar))
  }

  #charge(held: Held, { meter, end }: Sent, counted: Counted): Awaitable<Cost> {
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
    const { hold, holds } = held
    if (hold === null) return costOf(held, { end, usage, quantities }, { settled: null, amount })
    const usd = dollarsOf(held, { amount, quantities })
    const charged = { amount, usd, quantities, usage, end, at: this.#world.now() }
    return andThen(holds.settle(hold, charged), (settled) =>
      costOf(held, { end, usage, quantities }, { settled, amount }),
    )
  }

  /**
   * Counts the prompt only if the backend reported nothing that can be believed and the buyer pays
   * for it. A buyer who leaves before the first token pays for the estimate, like one who leaves
   * after it, not for the bound (threats J15).
   */
  #count({ asked, estimate }: Held, { end, meter }: Sent): Awaitable<Counted> {
    const left = end === 'client_left'
    const known = meter.usage(asked.most.input, left)
    const { source } = known
    const chosen = left || end === 'outgrown'
    const pays = source === 'counted' || (source === 'none' && chosen)
    return pays ? estimate.tokens().then((tokens) => meter.usage(tokens, left)) : known
  }

  #release(held: Held, end: End): Awaitable<Cost> {
    const free = { end, usage: 'none', quantities: NOTHING } as const
    if (held.hold === null) return costOf(held, free, { settled: null, amount: ZERO })
    return andThen(held.holds.release(held.hold, end), (settled) =>
      costOf(held, free, { settled, amount: ZERO }),
    )
  }
}

/** The most that our own count may charge: the hold, or what the hold would have been. */
function ceilingOfHeld({ asked, hold, observed, rate, wanted }: Held): Msat {
  if (hold !== null) return hold.amount
  if (observed === null) return ZERO
  return at(ceilingPrice(rate, asked.most, 'output'), wanted * asked.choices)
}

/**
 * The charge at par, if the price is in dollars and what was used is what is charged. A charge that is
 * less or more than that follows the dollars that were held.
 */
function dollarsOf(
  { rate, usd }: Held,
  { amount, quantities }: Pick<Charge, 'amount' | 'quantities'>,
): MicroUsd | undefined {
  if (usd === null || amount !== charge(rate, quantities)) return undefined
  return microUsd(charge(usd.each, quantities))
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
function costOf(
  { observed }: Held,
  { end, usage, quantities }: Pick<Cost, 'end' | 'usage' | 'quantities'>,
  { settled, amount }: { readonly settled: Settled | null; readonly amount: Msat },
): Cost {
  const paid = observed === null && settled !== null
  return {
    end,
    usage,
    quantities,
    charged: paid ? settled.charged : ZERO,
    owed: paid ? settled.owed : ZERO,
    overrun: paid ? settled.overrun : ZERO,
    after: paid ? settled.after : null,
    wouldCharge: observed === null ? null : amount,
  }
}
