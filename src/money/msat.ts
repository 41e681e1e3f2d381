import { BrokenBelief } from '../floor/assert.ts'

declare const unit: unique symbol

/** Millisatoshi, the only unit of money in the books. Always whole, and never negative. */
export type Msat = bigint & { readonly [unit]: 'msat' }

/** 21 million bitcoin in msat. No amount of money is larger. */
const EVERY_COIN = 2_100_000_000_000_000_000n

/**
 * The only constructor. A negative or impossible amount is a bug and throws. It is never clamped.
 */
export function msat(value: bigint): Msat {
  // Does not use `assert`, because making the message would take more time than the check.
  if (value < 0n || value > EVERY_COIN) throw new BrokenBelief(`no amount of money: ${value} msat`)
  return value as Msat
}

export const ZERO: Msat = msat(0n)

export const fromSat = (sat: number): Msat => msat(BigInt(sat) * 1000n)

/** The whole sats in an amount, rounded down. For balances, and for money that may leave. */
export const floorSat = (amount: Msat): number => Number(amount / 1000n)

/** The sats that cover an amount, rounded up. For invoices. */
export const ceilSat = (amount: Msat): number => Number(ceilDiv(amount, 1000n))

export const add = (a: Msat, b: Msat): Msat => msat(a + b)

/** `a - b`. The caller knows that b is not more than a. */
export const subtract = (a: Msat, b: Msat): Msat => msat(a - b)

export const least = (a: Msat, b: Msat): Msat => (a < b ? a : b)

/** Divides and rounds up. Both numbers are whole, and the divisor is positive. */
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
