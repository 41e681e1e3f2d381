/** The price of a model as `GET /v1/models` gives it: sats per 1,000 tokens, sats per request. */
export interface Price {
  readonly input: number
  readonly output: number
  readonly request: number
}

const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 6 })

/** A number as people read it: 1,234.567. */
export const figure = (value: number): string => numbers.format(value)

/** Whole or broken sats with their unit. */
export const sats = (value: number, unit: string): string => `${figure(value)} ${unit}`

/** Msat as sats, exact to the msat. */
export const fromMsat = (msat: number, unit: string): string => sats(msat / 1000, unit)

/** Micro-dollars as dollars, exact: $0.009. */
export function usd(micro: string | number | bigint): string {
  const dollars = Number(micro) / 1_000_000
  return new Intl.NumberFormat('en', {
    ...{ style: 'currency', currency: 'USD', maximumFractionDigits: 6 },
  }).format(dollars)
}

/** The dollars of a balance in words; '' if it has none. `counted`: the sats beside it include them. */
export function dollarsOf(micro: number | undefined, counted: boolean | undefined): string {
  if (micro === undefined || micro <= 0) return ''
  return counted === true ? `${usd(micro)} of it in dollars` : `and ${usd(micro)}`
}

/** Time left as 9:05 or 23:09:05, never below 0:00. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const two = (part: number) => String(Math.floor(part)).padStart(2, '0')
  const rest = `${two((seconds / 60) % 60)}:${two(seconds % 60)}`
  // Invoices of a mint live for as long as a day.
  return seconds < 3600 ? rest.replace(/^0(?=\d)/, '') : `${Math.floor(seconds / 3600)}:${rest}`
}

/** The prices of all models in one sentence; '' if nothing is for sale. */
export function priceSentence(prices: readonly Price[], unit: string): string {
  if (prices.length === 0) return ''
  const inputs = prices.map(({ input }) => input)
  const outputs = prices.map(({ output }) => output)
  const request = Math.max(...prices.map((price) => price.request))
  const all = [...inputs, ...outputs]
  if (request === 0 && Math.max(...all) === 0) return 'Free.'
  const perRequest = request === 0 ? '' : `, and up to ${sats(request, unit)} per request`
  if (Math.min(...all) === Math.max(...all)) {
    return `${sats(Math.max(...all), unit)} per 1,000 tokens${perRequest}.`
  }
  const range = (of: readonly number[]) => {
    const least = figure(Math.min(...of))
    const most = figure(Math.max(...of))
    return least === most ? least : `${least} to ${most}`
  }
  return `${range(inputs)} ${unit} in and ${range(outputs)} ${unit} out per 1,000 tokens${perRequest}.`
}

const round = new Intl.NumberFormat('en', {
  notation: 'compact',
  compactDisplay: 'long',
  maximumSignificantDigits: 2,
})

/** What the page knows of what sats buy. */
export interface Buying {
  readonly unit: string
  readonly usdPerBtc: number | null
  readonly tiers: readonly { readonly amountSats: number; readonly creditSats: number }[]
}

/** The sats that larger payments get on top: the largest bonus of the tiers that an amount reaches. */
const bonusOf = (amount: number, { tiers }: Pick<Buying, 'tiers'>): number =>
  tiers
    .filter(({ amountSats }) => amountSats <= amount)
    .reduce((most, tier) => Math.max(most, tier.creditSats - tier.amountSats), 0)

/** What an amount buys, in one sentence; '' if nothing is for sale or everything is free. */
export function buysSentence(
  amount: number,
  prices: readonly Price[],
  { tiers, unit, usdPerBtc }: Buying,
): string {
  const bonus = bonusOf(amount, { tiers })
  const credit = amount + bonus
  const rates = prices.flatMap(({ input, output }) => [input, output]).filter((rate) => rate > 0)
  const fees = prices.map(({ request }) => request).filter((fee) => fee > 0)
  const of = (costs: readonly number[], each: number): string => {
    const least = round.format((credit * each) / Math.max(...costs))
    const most = round.format((credit * each) / Math.min(...costs))
    return least === most ? least : `${least} to ${most}`
  }
  if (rates.length === 0 && fees.length === 0) return ''
  const much = rates.length > 0 ? `${of(rates, 1000)} tokens` : `${of(fees, 1)} requests`
  const worth = usdPerBtc === null ? '' : ` (about ${dollars((amount * usdPerBtc) / 1e8)})`
  const more = bonus === 0 ? '' : ` and a bonus of ${sats(bonus, unit)}`
  return `${sats(amount, unit)}${worth}${more} ${bonus === 0 ? 'buys' : 'buy'} about ${much}.`
}

function dollars(value: number): string {
  const cents = new Intl.NumberFormat('en', { style: 'currency', currency: 'USD' })
  return value < 0.01 ? 'a cent or less' : cents.format(value)
}
