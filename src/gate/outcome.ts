import { assert } from '../floor/assert.ts'
import { least, type Msat } from '../money/msat.ts'
import { charge, eachOf, type Rate } from '../money/price.ts'
import { QUANTITIES, type Quantities } from '../money/quantities.ts'

/** How a response ended for the gate. Each response has exactly one end. */
export type End =
  | 'complete'
  | 'cut'
  | 'client_left'
  | 'outgrown'
  | 'upstream_failed'
  | 'stalled'
  | 'stopped'

/** Whether the buyer got all that was bought: `cut` is where the credit for it ended. */
export const isWhole = (end: End): boolean => end === 'complete' || end === 'cut'

/** Everything on which the outcome depends. */
export interface Ended {
  readonly end: End
  readonly streamed: boolean
  /** Output of the model has reached the gate. */
  readonly flowed: boolean
  /** The request was sent to the upstream. */
  readonly sent: boolean
  /** What was used, and whether the backend reported it. */
  readonly quantities: Quantities
  readonly source: 'reported' | 'counted' | 'none'
  readonly rate: Rate
  /** The ceiling that was held. */
  readonly hold: Msat
  /** `billing.onUpstreamFailure`. */
  readonly onUpstreamFailure: 'used' | 'release'
}

export type Outcome =
  | {
      readonly do: 'settle'
      readonly amount: Msat
      readonly quantities: Quantities
      readonly usage: 'reported' | 'counted'
    }
  | { readonly do: 'release' }

const RELEASE: Outcome = { do: 'release' }

/**
 * Decides who pays, as one table (`docs/failure.md`). Pure. A reported usage may exceed the hold:
 * the ledger takes what the account has, and books the rest as owed or lost. Our own count never
 * exceeds the hold.
 */
export function outcome(ended: Ended): Outcome {
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

/**
 * Whether something is charged although no output came: something was used, or each call has a
 * price.
 */
const charges = ({ rate, quantities }: Ended): boolean =>
  eachOf(rate, 'call') > 0n || QUANTITIES.some((name) => (quantities[name] ?? 0) > 0)

function settle(ended: Ended): Outcome {
  const { hold, quantities, rate, source } = ended
  const price = charge(rate, quantities)
  if (source === 'reported') return { do: 'settle', amount: price, quantities, usage: 'reported' }
  return { do: 'settle', amount: least(price, hold), quantities, usage: 'counted' }
}

/**
 * If the buyer hung up on a buffered answer, or the answer outgrew the size that the gate keeps,
 * the gate cannot see how much the backend makes. It may be all that was allowed. The buyer chose
 * it, so it is charged (J14).
 */
function ceiling({ hold, quantities }: Ended): Outcome {
  return { do: 'settle', amount: hold, quantities, usage: 'counted' }
}

function assertNever(end: never): never {
  assert(false, `no such end: ${String(end)}`)
}
