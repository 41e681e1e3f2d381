import { BrokenBelief } from '../floor/assert.ts'

declare const unit: unique symbol

/** Millisatoshi: the only money the books keep. Whole and never negative. */
export type Msat = bigint & { readonly [unit]: 'msat' }

/** 21 million bitcoin in msat: no amount of money is larger. */
const EVERY_COIN = 2_100_000_000_000_000_000n

/** The one constructor. A negative or impossible amount is a broken belief, never clamped. */
export function msat(value: bigint): Msat {
  // Not by `assert`: writing out the message of a belief that holds is most of what this costs.
  if (value < 0n || value > EVERY_COIN) throw new BrokenBelief(`no amount of money: ${value} msat`)
  return value as Msat
}

export const ZERO: Msat = msat(0n)

export const fromSat = (sat: number): Msat => msat(BigInt(sat) * 1000n)

/** Whole sats in it, rounded down: what may leave, what a balance shows. */
export const floorSat = (amount: Msat): number => Number(amount / 1000n)

/** Sats that cover it, rounded up: what an invoice asks for. */
export const ceilSat = (amount: Msat): number => Number(ceilDiv(amount, 1000n))

export const add = (a: Msat, b: Msat): Msat => msat(a + b)

/** `a - b`, where the caller knows that b is not more than a. */
export const subtract = (a: Msat, b: Msat): Msat => msat(a - b)

export const least = (a: Msat, b: Msat): Msat => (a < b ? a : b)

/** Division that rounds up. Both sides whole, the divisor positive. */
export function ceilDiv(numerator: bigint, denominator: bigint): bigint {
  if (numerator < 0n || denominator <= 0n) {
    throw new BrokenBelief(`ceilDiv of ${numerator} by ${denominator}`)
  }
  return (numerator + denominator - 1n) / denominator
}

/** "1.516" for 1516 msat: sats with up to three decimals, for people. */
export function formatSat(amount: bigint): string {
  const sign = amount < 0n ? '-' : ''
  const size = amount < 0n ? -amount : amount
  const rest = (size % 1000n).toString().padStart(3, '0').replace(/0+$/, '')
  const whole = (size / 1000n).toString().replace(/\B(?=(\d{3})+$)/g, ',')
  return `${sign}${whole}${rest === '' ? '' : `.${rest}`}`
}
