import { ceilDiv, type Msat, msat } from './msat.ts'
import { callsOf, QUANTITIES, type Quantities, type Quantity } from './quantities.ts'

/** Msat × 10^6: money before the one rounding. */
export type MicroMsat = bigint
const MICRO = 1_000_000n

/**
 * What each quantity costs, in msat per million of it, so that a fraction of a msat per token or
 * per byte stays a whole number. 1 sat per 1,000 tokens is 1,000,000. A quantity that is missing
 * costs nothing, but for the parts of the input: without a price of its own a `cached` or `cacheWrite`
 * token costs what an input token costs.
 */
export type Rate = Readonly<Partial<Record<Quantity, MicroMsat>>>

/** What a million of one quantity costs. */
export const eachOf = (rate: Rate, name: Quantity): MicroMsat =>
  rate[name] ?? (PARTS.has(name) ? rate.input : undefined) ?? 0n

/** Parts of the input. */
const PARTS: ReadonlySet<Quantity> = new Set(['cached', 'cacheWrite'])

/** The highest price of the input. Its parts may cost more or less than the rest. */
function dearestInput(rate: Rate): MicroMsat {
  const dearer = (a: MicroMsat, b: MicroMsat) => (a > b ? a : b)
  return [...PARTS].map((name) => eachOf(rate, name)).reduce(dearer, eachOf(rate, 'input'))
}

/** Everything that is neither a token nor a call. Few prices have any of it. */
const OTHERS = QUANTITIES.filter(
  (name) => name !== 'input' && !PARTS.has(name) && name !== 'output' && name !== 'call',
)

/** The price of all that does not depend on the parts of the input. */
function besideInput(rate: Rate, quantities: Quantities, calls: number): MicroMsat {
  let micro = (rate.call ?? 0n) * BigInt(calls)
  if (rate.output !== undefined) micro += BigInt(quantities.output ?? 0) * rate.output
  for (const name of OTHERS) {
    const each = rate[name]
    if (each !== undefined) micro += BigInt(quantities[name] ?? 0) * each
  }
  return micro
}

/** The price of what flowed, in msat. This is the one place that rounds up (threats A14). */
export function charge(rate: Rate, quantities: Quantities): Msat {
  const { input = 0, cached = 0, cacheWrite = 0 } = quantities
  const micro =
    besideInput(rate, quantities, callsOf(quantities)) +
    BigInt(input - cached - cacheWrite) * eachOf(rate, 'input') +
    BigInt(cached) * eachOf(rate, 'cached') +
    BigInt(cacheWrite) * eachOf(rate, 'cacheWrite')
  return msat(ceilDiv(micro, MICRO))
}

/**
 * The price of a request over one quantity: `base + each × units`, in msat × 10^6. What the ledger holds is
 * that price at the number of units that the account affords.
 */
export interface LinearPrice {
  readonly base: MicroMsat
  readonly each: MicroMsat
}

/** A quantity that a hold can be clamped in. Input is known before anything is held. */
export type Clamped = Exclude<Quantity, 'input' | 'cached' | 'cacheWrite'>

/**
 * The ceiling of a request over one of its quantities: output tokens if an answer is
 * clamped, seconds if a stream is. `most` is the most of everything else, and what there is of that
 * quantity besides the units.
 */
export function ceilingPrice(rate: Rate, most: Quantities, units: Clamped): LinearPrice {
  const calls = units === 'call' ? (most.call ?? 0) : callsOf(most)
  return {
    base: besideInput(rate, most, calls) + BigInt(most.input ?? 0) * dearestInput(rate),
    each: rate[units] ?? 0n,
  }
}

/** The price of that many units, in msat, rounded up. */
export function at(price: LinearPrice, units: number): Msat {
  return msat(ceilDiv(price.base + price.each * BigInt(units), MICRO))
}

/** How many units so many msat can buy, at most `most`. Null if they cannot pay for the base. */
export function affordable(price: LinearPrice, available: bigint, most: number): number | null {
  const left = available * MICRO - price.base
  if (left < 0n) return null
  if (price.each === 0n) return most
  const steps = left / price.each
  return steps < BigInt(most) ? Number(steps) : most
}

/** Whether a rate costs nothing, whatever flows, as with `pricing.models: { x: free }`. */
export const isFree = (rate: Rate): boolean => QUANTITIES.every((name) => eachOf(rate, name) === 0n)

/**
 * Whether a price sells a request of which these quantities are charged: it names one of them, or it is
 * free, or it is a price for each request and for no tokens. Such a price beside tokens is a part of
 * theirs, and would sell anything else too cheaply (threats A12).
 */
export function sells(rate: Rate, sold: readonly Quantity[]): boolean {
  if (sold.some((name) => rate[name] !== undefined) || isFree(rate)) return true
  const ofTokens = TOKENS.some((name) => sold.includes(name) || eachOf(rate, name) > 0n)
  return !ofTokens && eachOf(rate, 'call') > 0n
}

/** What most requests are sold by. */
export const TOKENS: readonly Quantity[] = ['input', 'output']
