import { describePrice } from '../money/parse.ts'
import type { Priced, PriceList } from '../money/pricing.ts'

export interface ShownPrice {
  readonly model: string
  readonly price: string
  /** It costs what models cost that have no price of their own. */
  readonly usual: boolean
  readonly sold: 'paid' | 'free' | 'no'
}

/** Prices as the status block shows them: one for all, then each model by name. */
export function priceLines(
  list: PriceList,
  models: readonly { readonly id: string; readonly priced: Priced }[],
  unit: string,
): { readonly defaultPrice: string; readonly prices: readonly ShownPrice[] } {
  const usual = describePrice(list.fallback, unit)
  const prices = models.map(({ id: model, priced }): ShownPrice => {
    if (priced.is === 'priced') {
      const price = describePrice(priced.price, unit)
      return { model, price, usual: price === usual, sold: price === 'free' ? 'free' : 'paid' }
    }
    const why = { refused: 'not for sale', unpriced: 'no price, not for sale' }
    const price = priced.is === 'usd_unavailable' ? priced.reason : why[priced.is]
    return { model, price, usual: false, sold: 'no' }
  })
  return {
    defaultPrice: list.fallback.in === 'refuse' ? 'only models with a price are for sale' : usual,
    prices,
  }
}
