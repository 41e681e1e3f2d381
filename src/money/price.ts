import { ceilDiv, type Msat, msat } from './msat.ts'

/**
 * What a model costs. Token prices are msat per million tokens (1 sat per 1,000 tokens is
 * 1,000,000), so that a fraction of a msat per token stays a whole number.
 */
export interface Rate {
  readonly inputPerMillion: bigint
  /** Price of the prompt tokens that the backend reports as cached. */
  readonly cachedPerMillion: bigint
  readonly outputPerMillion: bigint
  readonly perRequest: Msat
}

/** Tokens of one request. `cached` is a part of `input`. Reasoning counts as output. */
export interface Tokens {
  readonly input: number
  readonly cached: number
  readonly output: number
}

/** Msat × 10^6: money before the one rounding. */
export type MicroMsat = bigint
const MICRO = 1_000_000n

/** Money for these tokens before rounding. */
function micro(rate: Rate, tokens: Tokens): MicroMsat {
  return (
    BigInt(tokens.input - tokens.cached) * rate.inputPerMillion +
    BigInt(tokens.cached) * rate.cachedPerMillion +
    BigInt(tokens.output) * rate.outputPerMillion +
    rate.perRequest * MICRO
  )
}

/** The price of what flowed, in msat. Rounds up, once, here (threats A14). */
export function charge(rate: Rate, tokens: Tokens): Msat {
  return msat(ceilDiv(micro(rate, tokens), MICRO))
}

/** The dearest the input can be: cached tokens may cost more or less than others. */
const dearestInput = (rate: Rate): bigint =>
  rate.cachedPerMillion > rate.inputPerMillion ? rate.cachedPerMillion : rate.inputPerMillion

/**
 * The price of a request as a line: `fixed + each × output tokens`, in msat × 10^6. What the
 * ledger holds is the line at the number of output tokens that the account affords.
 */
export interface Line {
  readonly fixed: MicroMsat
  readonly each: MicroMsat
}

/** The ceiling of a request whose input is at most `input` tokens, as a line over its output. */
export function ceilingLine(rate: Rate, input: number): Line {
  return {
    fixed: BigInt(input) * dearestInput(rate) + rate.perRequest * MICRO,
    each: rate.outputPerMillion,
  }
}

/** The line at that many output tokens, in msat, rounded up. */
export function at(line: Line, output: number): Msat {
  return msat(ceilDiv(line.fixed + line.each * BigInt(output), MICRO))
}

/** How many output tokens, at most `most`, that many msat buy; null when not even the input. */
export function affordable(line: Line, available: bigint, most: number): number | null {
  const left = available * MICRO - line.fixed
  if (left < 0n) return null
  if (line.each === 0n) return most
  const steps = left / line.each
  return steps < BigInt(most) ? Number(steps) : most
}

/** A rate that costs nothing whatever flows: `pricing.models: { x: free }`. */
export const isFree = (rate: Rate): boolean =>
  rate.inputPerMillion === 0n &&
  rate.cachedPerMillion === 0n &&
  rate.outputPerMillion === 0n &&
  rate.perRequest === 0n
