import { describePrice } from '../money/parse.ts'
import type { Priced, PriceList } from '../money/pricing.ts'

/** Prices as the status block shows them: one for all, then each model by name. */
export function priceLines(
  list: PriceList,
  models: readonly { readonly id: string; readonly priced: Priced }[],
): {
  readonly defaultPrice: string
  readonly prices: readonly { readonly model: string; readonly price: string }[]
} {
  const prices = models.map(({ id, priced }) => {
    if (priced.is === 'priced') return { model: id, price: priced.label }
    const why = { refused: 'not for sale', unpriced: 'no price, not for sale' }
    return { model: id, price: priced.is === 'usd_unavailable' ? priced.reason : why[priced.is] }
  })
  return { defaultPrice: `${describePrice(list.fallback)}   --price, --model-price`, prices }
}
