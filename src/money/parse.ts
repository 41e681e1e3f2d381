import { err, ok, type Result } from '../floor/result.ts'
import type { ImagePrice } from './image-prices.ts'
import type { Rate } from './price.ts'
import { QUANTITIES, type Quantity } from './quantities.ts'

/**
 * Reads prices and amounts from text, exactly. A decimal becomes a whole number of a small unit,
 * without a floating-point number in between. A number with too many digits is refused and not
 * rounded.
 */

/** Dollars × 10^6: what a million tokens, or a million of another quantity, cost. */
export type MicroUsd = bigint

/** Dollars for one bitcoin × 10^8. */
export type UsdPerBtc = bigint

interface SatPrice extends OfImages {
  readonly in: 'sats'
  readonly rate: Rate
}

interface OfImages {
  /** The price of an image by its size and quality. The one in the rate is then the dearest of them. */
  readonly images?: readonly ImagePrice[]
}

/** Some quantities have their price in dollars, the others theirs in sats. */
export interface UsdPrice extends OfImages {
  readonly in: 'usd'
  readonly usd: Readonly<Partial<Record<Quantity, MicroUsd>>>
  readonly sats: Rate
}

/** A price at which something is sold. Free is a price of zero. */
export type SalePrice = SatPrice | UsdPrice

/** What an operator may write for a model. `refuse` is not a price. */
export type Price = SalePrice | { readonly in: 'refuse' }

/** 1 sat per 1,000 tokens is 10^6 msat per million, so six places are whole. */
const SAT_PLACES = 6
const MSAT_PLACES = 3
const USD_PLACES = 6
const RATE_PLACES = 8
const MILLION = 1_000_000n
/** Prices are of a million of each quantity: that of one has six places more. */
const EACH_PLACES = 6

/**
 * Higher numbers are refused as typing mistakes: 1 bitcoin, and 100,000 dollars per million tokens.
 */
const MOST_SATS = 100_000_000n
const MOST_USD = 100_000n
const MOST_USD_PER_BTC = 1_000_000_000n

/**
 * `"0.05"` at 3 places is `50n`. Refuses signs, exponents, separators and digits beyond `places`.
 */
export function parseDecimal(text: string, places: number): Result<bigint, string> {
  if (text.length > 40) return err('is not a number')
  const parts = /^(\d+)(?:\.(\d+))?$/.exec(text)
  if (parts === null) {
    return err(text.startsWith('-') ? 'is below zero' : 'is not a plain decimal number')
  }
  const fraction = (parts[2] ?? '').replace(/0+$/, '')
  if (fraction.length > places) return err(`is too fine: at most ${places} decimals`)
  return ok(BigInt(`${parts[1]}${fraction.padEnd(places, '0')}`))
}

/** The reverse: `50n` at 3 places is `"0.05"`. */
export function formatDecimal(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, '0')
  const fraction = digits.slice(digits.length - places).replace(/0+$/, '')
  const whole = digits.slice(0, digits.length - places)
  return fraction === '' ? whole : `${whole}.${fraction}`
}

function bounded(text: string, places: number, most: bigint): Result<bigint, string> {
  const value = parseDecimal(text, places)
  if (!value.ok || value.value <= most * 10n ** BigInt(places)) return value
  return err(`is above ${most.toLocaleString('en')}`)
}

/** Sats per 1,000 tokens → msat per million tokens. */
export const parseSatsPerThousand = (text: string): Result<bigint, string> =>
  bounded(text, SAT_PLACES, MOST_SATS)

/**
 * Sats for one of something → msat for a million of it. A thousandth of a sat is the finest price.
 */
export function parseSatsEach(text: string): Result<bigint, string> {
  const value = bounded(text, MSAT_PLACES, MOST_SATS)
  return value.ok ? ok(value.value * MILLION) : value
}

/**
 * The same for things of which there are thousands in a request, such as bytes: a millionth of a msat is
 * the finest price.
 */
export const parseSatsOfMany = (text: string): Result<bigint, string> =>
  bounded(text, MSAT_PLACES + EACH_PLACES, MOST_SATS)

/** Dollars per million tokens. */
export const parseUsdPerMillion = (text: string): Result<MicroUsd, string> =>
  bounded(text, USD_PLACES, MOST_USD)

/** Dollars for one bitcoin, at least 1. A rate of zero would make every price infinite. */
export function parseUsdPerBtc(text: string): Result<UsdPerBtc, string> {
  const value = bounded(text, RATE_PLACES, MOST_USD_PER_BTC)
  if (value.ok && value.value < 10n ** BigInt(RATE_PLACES)) return err('is below one dollar')
  return value
}

/** Dollars for one bitcoin, for people. */
export const formatUsdPerBtc = (rate: UsdPerBtc): string => formatDecimal(rate, RATE_PLACES)

/**
 * A price in one word: `1`, `1/3` (input/output), `free`, `refuse`. Cached input costs as input.
 */
export function parsePrice(text: string): Result<Price, string> {
  if (text === 'refuse') return ok({ in: 'refuse' })
  const parts = text === 'free' ? ['0'] : text.split('/')
  if (parts.length > 2) return err('has more than one "/": a price is input/output')
  const input = parseSatsPerThousand((parts[0] ?? '').trim())
  if (!input.ok) return input
  const output = parseSatsPerThousand((parts[1] ?? parts[0] ?? '').trim())
  if (!output.ok) return output
  const rate = { input: input.value, cached: input.value, output: output.value }
  return ok({ in: 'sats', rate })
}

/** `NAME=PRICE`, split at the last `=`: a model's name may have one, a price in one word never. */
export function splitModelPrice(text: string): Result<{ name: string; price: string }, string> {
  const record = text.indexOf('={')
  const cut = record > 0 ? record : text.lastIndexOf('=')
  if (cut < 1) return err('is not NAME=PRICE')
  return ok({ name: text.slice(0, cut).trim(), price: text.slice(cut + 1).trim() })
}

/**
 * A price for people, in the unit of the gate's money: `1 sat per 1,000 tokens`,
 * `$0.5 in, $2 out per million tokens and 1 sat per request`.
 */
export function describePrice(price: Price, unit = 'sat'): string {
  if (price.in === 'refuse') return 'refused'
  const parts = price.in === 'usd' ? usdParts(price, unit) : satParts(price, unit)
  const last = parts.pop()
  if (last === undefined) return 'free'
  return parts.length === 0 ? last : `${parts.join(', ')} and ${last}`
}

function usdParts({ images, sats, usd }: UsdPrice, unit: string): string[] {
  const tokens = tokenWords(usd, (value) => `$${formatDecimal(value, USD_PLACES)}`)
  return [
    `${tokens} per million tokens`,
    ...wordsOf(usd, (value) => `$${formatDecimal(value, USD_PLACES + EACH_PLACES)}`),
    ...wordsOf(sats, inSatsEach(unit), images),
  ]
}

function satParts({ images, rate }: SatPrice, unit: string): string[] {
  const { cached = 0n, cacheWrite = 0n, input = 0n, output = 0n } = rate
  const tokens = tokenWords(rate, (value) => `${formatDecimal(value, SAT_PLACES)} ${unit}`)
  return [
    ...(input + cached + cacheWrite + output === 0n ? [] : [`${tokens} per 1,000 tokens`]),
    ...wordsOf(rate, inSatsEach(unit), images),
  ]
}

type Amounts = Readonly<Partial<Record<Quantity, bigint>>>
type Words = (amount: bigint) => string

const inSatsEach =
  (unit: string): Words =>
  (value) =>
    `${formatDecimal(value, MSAT_PLACES + EACH_PLACES)} ${unit}`

/** What one of each thing is called that is not a token. */
const EACH: Readonly<Partial<Record<Quantity, string>>> = {
  image: 'image',
  second: 'second',
  character: 'character',
  byte: 'byte',
  call: 'request',
}

const wordsOf = (amounts: Amounts, words: Words, images?: readonly ImagePrice[]): string[] =>
  QUANTITIES.flatMap((name) => {
    const amount = amounts[name] ?? 0n
    const one = EACH[name]
    if (amount === 0n || one === undefined) return []
    const upTo = name === 'image' && images !== undefined && images.length > 1 ? 'up to ' : ''
    return [`${upTo}${words(amount)} per ${one}`]
  })

/** Writes one figure if all are the same, and those of the prompt cache only if they differ. */
function tokenWords(amounts: Amounts, words: Words): string {
  const { input = 0n, output = 0n, cached = input, cacheWrite = input } = amounts
  if (input === output && input === cached && input === cacheWrite) return words(input)
  const ofCached = cached === input ? '' : `${words(cached)} cached, `
  const ofWrites = cacheWrite === input ? '' : `${words(cacheWrite)} written to the cache, `
  return `${words(input)} in, ${ofCached}${ofWrites}${words(output)} out`
}
