import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ceilSat, formatSat } from '../../../src/money/msat.ts'
import { formatDecimal, parseSatsPerThousand, parseUsdPerBtc } from '../../../src/money/parse.ts'
import { at, ceilingPrice, charge, type Rate } from '../../../src/money/price.ts'
import { inSats, makePricing } from '../../../src/money/pricing.ts'
import { loaded } from '../config/world.ts'

/** The figures of docs/pricing.md are what the code charges. */

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../../docs/pricing.md'), 'utf8')

/** The rows of the table with this header, each as a list of cells. */
function table(header: string): readonly (readonly string[])[] {
  const lines = DOCUMENT.split('\n')
  const start = lines.findIndex((line) => line.startsWith(`| ${header}`))
  expect(start, header).toBeGreaterThan(0)
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'))
  return lines.slice(start + 2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replace(/^`(.*)`$/, '$1')),
  )
}

const figure = (text = ''): number => {
  expect(text).toMatch(/^[\d,]+(?:\.\d+)?$/)
  return Number(text.replaceAll(',', ''))
}

const USD_PER_BTC = 100_000

/** The rate for a price as in satgate.yaml, at the dollar rate of the document. */
function rateOf(price: string): Rate {
  const { config } = loaded({
    yaml: `pricing: { default: ${price}, rate: { usdPerBtc: ${USD_PER_BTC} } }`,
  })
  const usdPerBtc = parseUsdPerBtc(String(USD_PER_BTC))
  const priced = makePricing(config.pricing.list, () => usdPerBtc).priceOf('any')
  if (priced.is !== 'priced') throw new Error(price)
  return priced.rate
}

describe('docs/pricing.md', () => {
  it('converts one dollar per million tokens as the gate does', () => {
    for (const [dollars = '', sats] of table('dollars per bitcoin')) {
      const usdPerBtc = parseUsdPerBtc(dollars.replaceAll(',', ''))
      if (!usdPerBtc.ok) throw new Error(dollars)
      const price = { in: 'usd', usd: { input: 1_000_000n }, sats: {} } as const
      const { input } = inSats(price, usdPerBtc.value)
      expect(formatDecimal(input ?? 0n, 6), dollars).toBe(sats)
    }
  })

  it('works its three examples out', () => {
    const rows = new Map(table('| A: at home').map(([name = '', ...cells]) => [name, cells]))
    const cell = (name: string, column: number): string => {
      expect(rows.has(name), name).toBe(true)
      return rows.get(name)?.[column] ?? ''
    }
    for (const column of [0, 1, 2]) {
      const get = (name: string) => figure(cell(name, column))
      const busy = get('busy share, percent') / 100
      const watts = busy * get('busy watts') + (1 - busy) * get('idle watts')
      const hour = (watts / 1000) * get('dollars for a kWh') + get('wear or rent, dollars per hour')
      const tokens = get('tokens per second while busy') * 3600 * busy
      const million = (hour / tokens) * 1_000_000
      const sats = (million * 100_000) / USD_PER_BTC
      const price = figure(sats.toFixed(3)) * (1 + get('margin, percent') / 100)
      expect(cell('**cost per hour, dollars**', column)).toBe(hour.toFixed(4))
      expect(get('**tokens per hour**')).toBe(Math.round(tokens))
      expect(cell('**cost per million tokens, dollars**', column)).toBe(million.toFixed(3))
      expect(cell('**cost per 1,000 tokens, sats**', column)).toBe(sats.toFixed(3))
      expect(get('**price per 1,000 tokens, sats**')).toBe(Math.ceil(price * 1000 - 1e-9) / 1000)
      const written = cell('write', column).replace('--price ', '')
      expect(parseSatsPerThousand(written).ok, written).toBe(true)
      expect(figure(written)).toBeGreaterThanOrEqual(get('**price per 1,000 tokens, sats**'))
      expect(figure(written)).toBeLessThan(get('**price per 1,000 tokens, sats**') * 1.1)
    }
  })

  it('works the wear and the input price out', () => {
    expect(3 * 365 * 24).toBe(26_280)
    expect(DOCUMENT).toContain('(26,280 hours) loses 0.015 dollars an hour')
    expect(((700 - 300) / 26_280).toFixed(3)).toBe('0.015')
    const input =
      (0.2 *
        figure(
          table('| A: at home').find(([name]) => name?.startsWith('tokens per second'))?.[2],
        )) /
      4_000
    expect(DOCUMENT).toContain(`written as \`--price ${input}/0.2\``)
  })

  it('charges what the gate charges', () => {
    const rows = table('price | input tokens')
    expect(rows.length).toBe(4)
    for (const [price = '', input, cached, output, sats] of rows) {
      const tokens = { input: figure(input), cached: figure(cached), output: figure(output) }
      expect(formatSat(charge(rateOf(price), tokens)), price).toBe(sats)
    }
  })

  it('holds and asks for what the gate holds and asks for', () => {
    const { min, max } = loaded({}).config.credit.invoice
    const rows = table('price | longest prompt')
    expect(rows.length).toBe(3)
    for (const [price = '', input, output, held, asked] of rows) {
      const amount = at(
        ceilingPrice(rateOf(price), { input: figure(input) }, 'output'),
        figure(output),
      )
      expect(formatSat(amount), price).toBe(held)
      expect(Math.min(Math.max(ceilSat(amount), min), max), price).toBe(figure(asked))
    }
    expect(DOCUMENT).toContain(`\`credit.invoice.min\` (${min} sat)`)
    expect(DOCUMENT).toContain(`\`credit.invoice.max\` (${max.toLocaleString('en')} sat)`)
  })

  it('shows prices that the settings take', () => {
    const rows = table('you want')
    const prices = rows.flatMap(([, cell = '']) => [...cell.matchAll(/(\{.*\}|free|refuse)`?$/g)])
    expect(prices.length).toBe(8)
    for (const [, price = ''] of prices) {
      expect(() => loaded({ yaml: `pricing: { models: { any: ${price} } }` }), price).not.toThrow()
    }
  })
})
