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

/** A price and whose it is: a model's name, or a pattern in which `*` stands for any text. */
export interface ModelPrice {
  readonly pattern: string
  readonly price: Price
}

/** The operator's price list. `fallback` holds for every model that no pattern names. */
export interface PriceList {
  readonly fallback: Price
  readonly models: readonly ModelPrice[]
}

/**
 * `refused`: the operator does not sell it. `unpriced`: nothing names it and nothing is the
 * default, so it is not sold either (A12). `usd_unavailable`: its price is in dollars and there is
 * no rate to trust now; `reason` is for the operator.
 */
export type Priced =
  | {
      readonly is: 'priced'
      readonly rate: Rate
      /** As the operator wrote it; in sats where it is the dearer parts of several. */
      readonly price: SalePrice
    }
  | { readonly is: 'refused' }
  | { readonly is: 'unpriced' }
  | { readonly is: 'usd_unavailable'; readonly reason: string }

/** One model by everything that it is called (threats J10). */
export interface Named {
  readonly names: readonly string[]
  /** Makes the spellings of one name alike, in patterns too: Ollama's names have no case. */
  fold(text: string): string
  /** The model that this one is built on: its price holds where no pattern matches these names. */
  readonly base?: Named
}

export interface Pricing {
  /**
   * The price of a model: the most specific pattern of all its names, the dearest where several are
   * equally specific. A text is a model with that one name, case and all.
   */
  priceOf(model: string | Named): Priced
  /** A pattern of the price list matches, so the model is known whatever the upstream lists. */
  names(model: string | Named): boolean
  /** Some price is in dollars: a rate is needed. False: nothing is ever fetched. */
  readonly needsRate: boolean
  /** Dollars for one bitcoin as prices use them now; null where none are known. Asks nobody. */
  usdPerBtc(): number | null
}

/** `rateNow` gives dollars per bitcoin × 10^8, or why there is none; asked only for dollar prices. */
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
  if (price.in === 'sats') return { is: 'priced', rate: price.rate, price }
  const usdPerBtc = rateNow()
  if (!usdPerBtc.ok) return { is: 'usd_unavailable', reason: usdPerBtc.error }
  return { is: 'priced', rate: inSats(price, usdPerBtc.value), price }
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

const asItIs = (text: string): string => text

const named = (model: string | Named): Named =>
  typeof model === 'string' ? { names: [model], fold: asItIs } : model

/** Any whole name before any pattern, then more literal text before less. */
const specificity = (pattern: string): number =>
  pattern.includes('*') ? pattern.replaceAll('*', '').length : Number.POSITIVE_INFINITY

/**
 * The dearest of some prices: what is not for sale before all others, then what has no price now.
 * Of two that are dearer in one part each, the dearer of each part, so that no mix of tokens gets by.
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

type ForSale = Extract<Priced, { is: 'priced' }>

function dearer(a: ForSale, b: ForSale): ForSale {
  const rate: Partial<Record<Quantity, MicroMsat>> = {}
  for (const name of QUANTITIES) {
    const each = larger(eachOf(a.rate, name), eachOf(b.rate, name))
    if (each > 0n) rate[name] = each
  }
  for (const one of [a, b]) if (isSame(one.rate, rate)) return one
  return { is: 'priced', rate, price: { in: 'sats', rate } }
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)

const isSame = (a: Rate, b: Rate): boolean =>
  QUANTITIES.every((name) => eachOf(a, name) === eachOf(b, name))
