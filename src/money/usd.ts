import { BrokenBelief } from '../floor/assert.ts'
import { ceilDiv, type Msat, msat } from './msat.ts'
import type { UsdPerBtc } from './parse.ts'

declare const unit: unique symbol

/** Micro-dollars: a millionth of a US dollar, the smallest unit of USDC. Whole, and never negative. */
export type MicroUsd = bigint & { readonly [unit]: 'micro-usd' }

/** A million million dollars. No balance is larger. */
const EVERY_DOLLAR = 10n ** 18n

/** The only constructor. A negative or impossible amount is a bug and throws. It is never clamped. */
export function microUsd(value: bigint): MicroUsd {
  if (value < 0n || value > EVERY_DOLLAR) throw new BrokenBelief(`no amount of money: ${value} µ$`)
  return value as MicroUsd
}

export const NO_USD: MicroUsd = microUsd(0n)

export const addUsd = (a: MicroUsd, b: MicroUsd): MicroUsd => microUsd(a + b)

/** `a - b`. The caller knows that b is not more than a. */
export const subtractUsd = (a: MicroUsd, b: MicroUsd): MicroUsd => microUsd(a - b)

export const leastUsd = (a: MicroUsd, b: MicroUsd): MicroUsd => (a < b ? a : b)

/**
 * A bitcoin is 10^11 msat, a dollar 10^6 micro-dollars, and a rate is dollars × 10^8. So
 * micro-dollars are msat × rate ÷ 10^13.
 */
const SCALE = 10n ** 13n

/** What an amount in msat costs in micro-dollars at that rate, rounded up (threats A14). */
export const usdOf = (amount: Msat, rate: UsdPerBtc): MicroUsd =>
  microUsd(ceilDiv(amount * rate, SCALE))

/**
 * What micro-dollars pay for in msat at that rate, rounded down. So `msatOf(usdOf(x, rate), rate)` is
 * never less than x: who pays what was asked for has enough.
 */
export const msatOf = (amount: MicroUsd, rate: UsdPerBtc): Msat => msat((amount * SCALE) / rate)

/** "0.0105" for 10500 micro-dollars: dollars with up to six decimals, for people. */
export function formatUsd(amount: bigint): string {
  const sign = amount < 0n ? '-' : ''
  const size = amount < 0n ? -amount : amount
  const rest = (size % 1_000_000n)
    .toString()
    .padStart(6, '0')
    .replace(/0{1,4}$/, '')
  return `${sign}${(size / 1_000_000n).toString().replace(/\B(?=(\d{3})+$)/g, ',')}.${rest}`
}
