import { assert } from '../floor/assert.ts'
import { globMatches } from '../floor/glob.ts'
import type { Result } from '../floor/result.ts'
import { ceilDiv } from './msat.ts'
import {
  formatUsdPerBtc,
  type Price,
  type SalePrice,
  type UsdPerBtc,
  type UsdPrice,
} from './parse.ts'
import { eachOf, type MicroMsat, type Rate } from './price.ts'
import { QUANTITIES, type Quantity } from './quantities.ts'

/** A price, and the model that has it: a name, or a pattern in which `*` stands for any text. */
export interface ModelPrice {
  readonly pattern: string
  readonly price: Price
}

/**
 * The price list of the operator. `fallback` is the price of every model that no pattern matches.
 */
export interface PriceList {
  readonly fallback: Price
  readonly models: readonly ModelPrice[]
}

/**
 * `refused`: the operator does not sell it. `unpriced`: no pattern matches it and there is no
 * default price, so it is not sold either (threats A12). `usd_unavailable`: its price is in
 * dollars, and there is no rate at the moment that can be trusted; `reason` is for the operator.
 */
export type Priced =
  | {
      readonly is: 'priced'
      readonly rate: Rate
      /**
       * The price as the operator wrote it. If it is put together from the dearer parts of several
       * prices, it is in sats.
       */
      readonly price: SalePrice
      /** The price in dollars, if it is in dollars. */
      readonly usd: DollarPrice | null
    }
  | { readonly is: 'refused' }
  | { readonly is: 'unpriced' }
  | { readonly is: 'usd_unavailable'; readonly reason: string }

/** A price in dollars, as dollars pay it: at par, whatever the rate does later (threats L5). */
export interface DollarPrice {
  /** Micro-dollars per million of each quantity. */
  readonly each: Rate
  /** By which the same price in sats was made. */
  readonly rate: UsdPerBtc
}

/** One model with all its names (threats J10). */
export interface Named {
  readonly names: readonly string[]
  /**
   * Brings the spellings of one name to one form, in patterns too. For Ollama, upper and lower case
   * are equal.
   */
  fold(text: string): string
  /**
   * The model that this one is built on. Its price counts if no pattern matches the names of this
   * one.
   */
  readonly base?: Named
}

export interface Pricing {
  /**
   * The price of a model. Of all its names, the most specific pattern counts, and the dearest price
   * if several are equally specific. A text is a model with that one name, and its case counts.
   */
  priceOf(model: string | Named): Priced
  /**
   * Whether a pattern of the price list matches. Then the model counts as known, whatever the
   * backend lists.
   */
  names(model: string | Named): boolean
  /**
   * Whether some price is in dollars, so that a rate is needed. If not, nothing is ever fetched.
   */
  readonly needsRate: boolean
  /** Dollars for one bitcoin, as prices use them now. Null if they are not known. Makes no call. */
  usdPerBtc(): number | null
}

/**
 * Makes a price list. `rateNow` gives dollars per bitcoin × 10^8, or why there is no rate. It is
 * called only for prices in dollars.
 */
export function makePricing(list: PriceList, rateNow: () => Result<UsdPerBtc, string>): Pricing {
  const folded = new Map<Named['fold'], readonly ModelPrice[]>()
  const patterns = (fold: Named['fold']): readonly ModelPrice[] => {
    const known = folded.get(fold)
    if (known !== undefined) return known
    const made = list.models.map(({ pattern, price }) => ({ pattern: fold(pattern), price }))
    made.sort((a, b) => specificity(b.pattern) - specificity(a.pattern))
    folded.set(fold, made)
    return made
  }
  const find = ({ names, fold, base }: Named): readonly Price[] => {
    const asked = names.map(fold)
    const fitting = patterns(fold).filter(({ pattern }) =>
      asked.some((name) => globMatches(pattern, name)),
    )
    const [first] = fitting
    if (first === undefined) return base === undefined ? [] : find(base)
    const most = specificity(first.pattern)
    return fitting.filter(({ pattern }) => specificity(pattern) === most).map(({ price }) => price)
  }
  return {
    priceOf(model) {
      const found = find(named(model))
      if (found.length > 0) return dearest(found.map((price) => priced(price, rateNow)))
      return list.fallback.in === 'refuse' ? { is: 'unpriced' } : priced(list.fallback, rateNow)
    },
    names: (model) => find(named(model)).length > 0,
    usdPerBtc() {
      const rate = rateNow()
      return rate.ok ? Number(formatUsdPerBtc(rate.value)) : null
    },
    needsRate: [list.fallback, ...list.models.map((one) => one.price)].some((p) => p.in === 'usd'),
  }
}

function priced(price: Price, rateNow: () => Result<UsdPerBtc, string>): Priced {
  if (price.in === 'refuse') return { is: 'refused' }
  if (price.in === 'sats') return { is: 'priced', rate: price.rate, price, usd: null }
  const usdPerBtc = rateNow()
  if (!usdPerBtc.ok) return { is: 'usd_unavailable', reason: usdPerBtc.error }
  const rate = usdPerBtc.value
  return {
    is: 'priced',
    rate: inSats(price, rate),
    price,
    usd: { each: inDollars(price, rate), rate },
  }
}

/** 10^11 msat are a bitcoin; dollars come × 10^6, their rate × 10^8. */
const MSAT_SCALE = 10n ** 11n * 10n ** 8n
const MICRO = 10n ** 6n

/** Dollars per million of a quantity → msat per million of it, rounded up once (A14). */
export function inSats({ sats, usd }: UsdPrice, usdPerBtc: UsdPerBtc): Rate {
  const rate: Partial<Record<Quantity, MicroMsat>> = { ...sats }
  for (const name of QUANTITIES) {
    const dollars = usd[name]
    if (dollars !== undefined) rate[name] = ceilDiv(dollars * MSAT_SCALE, usdPerBtc * MICRO)
  }
  return rate
}

/**
 * The same price in micro-dollars per million. A part that is written in sats is changed at that rate,
 * and rounded up once (threats A14).
 */
export function inDollars({ sats, usd }: UsdPrice, usdPerBtc: UsdPerBtc): Rate {
  const each: Partial<Record<Quantity, bigint>> = { ...usd }
  for (const name of QUANTITIES) {
    const msat = sats[name]
    if (msat !== undefined) each[name] = usdEach(msat, usdPerBtc)
  }
  return each
}

const usdEach = (msat: bigint, usdPerBtc: UsdPerBtc): bigint =>
  ceilDiv(msat * usdPerBtc * MICRO, MSAT_SCALE)

const asItIs = (text: string): string => text

const named = (model: string | Named): Named =>
  typeof model === 'string' ? { names: [model], fold: asItIs } : model

/**
 * A whole name is more specific than every pattern. A pattern with more literal text is more
 * specific than one with less.
 */
const specificity = (pattern: string): number =>
  pattern.includes('*') ? pattern.replaceAll('*', '').length : Number.POSITIVE_INFINITY

/**
 * The dearest of some prices. A model that is not for sale counts as dearest, then one without a
 * price now. If two prices are each dearer in one part, the result has the dearer part of both, so
 * that no mix of tokens is cheaper.
 */
export function dearest(prices: readonly Priced[]): Priced {
  assert(prices.length > 0, 'the dearest of at least one price')
  const stopped =
    prices.find(({ is }) => is === 'refused') ??
    prices.find(({ is }) => is === 'unpriced') ??
    prices.find(({ is }) => is === 'usd_unavailable')
  if (stopped !== undefined) return stopped
  return prices.flatMap((one) => (one.is === 'priced' ? [one] : [])).reduce(dearer)
}

export type ForSale = Extract<Priced, { is: 'priced' }>

function dearer(a: ForSale, b: ForSale): ForSale {
  const rate: Partial<Record<Quantity, MicroMsat>> = {}
  for (const name of QUANTITIES) {
    // A part that is named stays named, even at a price of zero: it is what is for sale (threats A12).
    if (a.rate[name] === undefined && b.rate[name] === undefined) continue
    rate[name] = larger(eachOf(a.rate, name), eachOf(b.rate, name))
  }
  // Of two tables neither is dearer in every entry, so what is left of them is their dearest entry.
  const tables = a.price.images !== b.price.images
  for (const one of tables ? [] : [a, b]) if (isSame(one.rate, rate)) return one
  return { is: 'priced', rate, price: { in: 'sats', rate }, usd: null }
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)

const isSame = (a: Rate, b: Rate): boolean =>
  QUANTITIES.every(
    (name) => eachOf(a, name) === eachOf(b, name) && names(a, name) === names(b, name),
  )

const names = (rate: Rate, name: Quantity): boolean => rate[name] !== undefined

/** The same price, with what one image of this request costs. `each` is in msat per million images. */
export function withImagePrice(found: ForSale, each: MicroMsat): ForSale {
  const { rate, usd } = found
  return {
    ...found,
    rate: { ...rate, image: each },
    usd: usd === null ? null : { ...usd, each: { ...usd.each, image: usdEach(each, usd.rate) } },
  }
}
