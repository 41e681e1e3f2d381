/** What a model costs, as `GET /v1/models` says it: sats per 1,000 tokens, sats per request. */
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

/** Time left as 9:05 or 23:09:05, never below 0:00. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const two = (part: number) => String(Math.floor(part)).padStart(2, '0')
  const rest = `${two((seconds / 60) % 60)}:${two(seconds % 60)}`
  // Invoices of a mint live for as long as a day.
  return seconds < 3600 ? rest.replace(/^0(?=\d)/, '') : `${Math.floor(seconds / 3600)}:${rest}`
}

/** The price of everything here in one sentence; '' where nothing is for sale. */
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
