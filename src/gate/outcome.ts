import { assert } from '../floor/assert.ts'
import { least, type Msat } from '../money/msat.ts'
import { charge, eachOf, type Rate } from '../money/price.ts'
import { QUANTITIES, type Quantities } from '../money/quantities.ts'

/** How a response ended, seen from the middle. Exactly one of these happens, exactly once. */
export type End =
  | 'complete'
  | 'cut'
  | 'client_left'
  | 'outgrown'
  | 'upstream_failed'
  | 'stalled'
  | 'stopped'

/** Everything the verdict depends on. */
export interface Ended {
  readonly end: End
  readonly streamed: boolean
  /** Some output of the model reached us. */
  readonly flowed: boolean
  /** Something went to the upstream at all. */
  readonly sent: boolean
  /** What it used, and whether the backend said so. */
  readonly quantities: Quantities
  readonly source: 'reported' | 'counted' | 'none'
  readonly rate: Rate
  /** The ceiling that was held. */
  readonly hold: Msat
  /** `billing.onUpstreamFailure`. */
  readonly onUpstreamFailure: 'used' | 'release'
}

export type Verdict =
  | {
      readonly do: 'settle'
      readonly amount: Msat
      readonly quantities: Quantities
      readonly usage: 'reported' | 'counted'
    }
  | { readonly do: 'release' }

const RELEASE: Verdict = { do: 'release' }

/**
 * Who pays, as one table (`docs/failure.md`). Pure. A reported usage may come to more
 * than the hold: the ledger takes what there is, and books the rest as owed or lost. What we
 * counted ourselves never does.
 */
export function outcome(ended: Ended): Verdict {
  switch (ended.end) {
    case 'complete':
      return ended.source === 'none' && !ended.flowed && !charges(ended) ? RELEASE : settle(ended)
    case 'cut':
      return settle(ended)
    case 'client_left':
      if (!ended.sent) return RELEASE
      return ended.streamed ? settle(ended) : ceiling(ended)
    case 'outgrown':
      return ceiling(ended)
    case 'upstream_failed':
    case 'stalled':
      return ended.flowed && ended.onUpstreamFailure === 'used' ? settle(ended) : RELEASE
    case 'stopped':
      return RELEASE
    default:
      return assertNever(ended.end)
  }
}

/** Something was used, or the request itself has a price, although no output came. */
const charges = ({ rate, quantities }: Ended): boolean =>
  eachOf(rate, 'call') > 0n || QUANTITIES.some((name) => (quantities[name] ?? 0) > 0)

function settle(ended: Ended): Verdict {
  const { hold, quantities, rate, source } = ended
  const price = charge(rate, quantities)
  if (source === 'reported') return { do: 'settle', amount: price, quantities, usage: 'reported' }
  return { do: 'settle', amount: least(price, hold), quantities, usage: 'counted' }
}

/**
 * What runs on after the buyer hung up on a buffered answer, or after it outgrew the size that the
 * gate keeps, cannot be seen: it may be all of it. The buyer chose it, so it is not free (J14).
 */
function ceiling({ hold, quantities }: Ended): Verdict {
  return { do: 'settle', amount: hold, quantities, usage: 'counted' }
}

function assertNever(end: never): never {
  assert(false, `no such end: ${String(end)}`)
}
