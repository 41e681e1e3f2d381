import type { Result } from '../floor/result.ts'
import { ceilDiv } from './msat.ts'
import { describePrice, type Price, type UsdPerBtc, type UsdPrice } from './parse.ts'
import type { Rate } from './price.ts'

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
      readonly via: 'sats' | 'usd'
      readonly label: string
    }
  | { readonly is: 'refused' }
  | { readonly is: 'unpriced' }
  | { readonly is: 'usd_unavailable'; readonly reason: string }

export interface Pricing {
  /** The price of a model by exactly this name. Aliases are resolved before. */
  priceOf(model: string): Priced
  /** A pattern of the price list matches, so the model is known whatever the upstream lists. */
  names(model: string): boolean
  /** Some price is in dollars: a rate is needed. False: nothing is ever fetched. */
  readonly needsRate: boolean
}

/** `rateNow` gives dollars per bitcoin × 10^8, or why there is none; asked only for dollar prices. */
export function makePricing(list: PriceList, rateNow: () => Result<UsdPerBtc, string>): Pricing {
  const models = [...list.models].sort((a, b) => compareBySpecificity(a.pattern, b.pattern))
  const find = (model: string) => models.find(({ pattern }) => matches(pattern, model))
  return {
    priceOf(model) {
      const found = find(model)
      if (found === undefined && list.fallback.in === 'refuse') return { is: 'unpriced' }
      return priced(found?.price ?? list.fallback, rateNow)
    },
    names: (model) => find(model) !== undefined,
    needsRate: [list.fallback, ...list.models.map((one) => one.price)].some((p) => p.in === 'usd'),
  }
}

function priced(price: Price, rateNow: () => Result<UsdPerBtc, string>): Priced {
  if (price.in === 'refuse') return { is: 'refused' }
  const label = describePrice(price)
  if (price.in === 'sats') return { is: 'priced', rate: price.rate, via: 'sats', label }
  const usdPerBtc = rateNow()
  if (!usdPerBtc.ok) return { is: 'usd_unavailable', reason: usdPerBtc.error }
  return { is: 'priced', rate: inSats(price, usdPerBtc.value), via: 'usd', label }
}

/** 10^11 msat are a bitcoin; dollars come × 10^6, their rate × 10^8. */
const MSAT_SCALE = 10n ** 11n * 10n ** 8n
const MICRO = 10n ** 6n

/** Dollars per million tokens → msat per million tokens, rounded up once (A14). */
export function inSats(price: UsdPrice, usdPerBtc: UsdPerBtc): Rate {
  const convert = (usd: bigint) => ceilDiv(usd * MSAT_SCALE, usdPerBtc * MICRO)
  return {
    inputPerMillion: convert(price.input),
    cachedPerMillion: convert(price.cached),
    outputPerMillion: convert(price.output),
    perRequest: price.perRequest,
  }
}

const literal = (pattern: string): number => pattern.replaceAll('*', '').length

/** A name before any pattern, then more literal text before less; ties stay as they were written. */
function compareBySpecificity(a: string, b: string): number {
  const named = Number(a.includes('*')) - Number(b.includes('*'))
  return named !== 0 ? named : literal(b) - literal(a)
}

/** `*` stands for any text, also none. Case counts. Never backtracks, whatever a buyer names. */
export function matches(pattern: string, model: string): boolean {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return pattern === model
  const end = model.length - tail.length
  if (end < head.length || !model.startsWith(head) || !model.endsWith(tail)) return false
  let from = head.length
  for (const part of rest) {
    const at = model.indexOf(part, from)
    if (at === -1 || at + part.length > end) return false
    from = at + part.length
  }
  return true
}
