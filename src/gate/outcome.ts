import { assert } from '../floor/assert.ts'
import { least, type Msat } from '../money/msat.ts'
import { charge, eachOf, type Rate } from '../money/price.ts'
import type { Tokens } from '../money/quantities.ts'

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
  readonly usage: Tokens & { readonly source: 'reported' | 'counted' | 'none' }
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
      readonly tokens: Tokens
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
      return ended.usage.source === 'none' && !ended.flowed && !charges(ended)
        ? RELEASE
        : settle(ended)
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

/** A price for the request itself is owed for an answer in which no token flowed. */
const charges = (ended: Ended): boolean => eachOf(ended.rate, 'call') > 0n || ended.usage.input > 0

function settle(ended: Ended): Verdict {
  const { source, ...tokens } = ended.usage
  const price = charge(ended.rate, tokens)
  if (source === 'reported') return { do: 'settle', amount: price, tokens, usage: 'reported' }
  return { do: 'settle', amount: least(price, ended.hold), tokens, usage: 'counted' }
}

/**
 * What runs on after the buyer hung up on a buffered answer, or after it outgrew the size that the
 * gate keeps, cannot be seen: it may be all of it. The buyer chose it, so it is not free (J14).
 */
function ceiling(ended: Ended): Verdict {
  const { source: _, ...tokens } = ended.usage
  return { do: 'settle', amount: ended.hold, tokens, usage: 'counted' }
}

function assertNever(end: never): never {
  assert(false, `no such end: ${String(end)}`)
}
