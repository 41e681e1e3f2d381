import { nearest } from '../floor/nearest.ts'
import type { Result } from '../floor/result.ts'
import {
  type Price,
  parsePrice,
  parseSatsEach,
  parseSatsPerThousand,
  parseUsdPerMillion,
} from '../money/parse.ts'
import type { ModelPrice } from '../money/pricing.ts'
import { type Node, type Place, quote, type RecordNode } from './node.ts'
import { type Reader, type Reading, scalar } from './reader.ts'

const SATS_KEYS = ['input', 'output', 'cached', 'request', 'usdPerMillion'] as const
const USD_KEYS = ['input', 'output', 'cached'] as const

/** `1`, `1/3`, `free`, `refuse`, or a record of sats per 1,000 tokens or dollars per million. */
export const price: Reader<Price> = (node, reading) =>
  node.is === 'record' ? priceRecord(node, reading) : scalar(parsePrice)(node, reading)

function priceRecord(node: RecordNode, reading: Reading): Price | undefined {
  const parts = partsOf(node, SATS_KEYS, reading)
  if (parts === undefined) return undefined
  const call = optional(parts.request, scalar(parseSatsEach), reading) ?? 0n
  if (parts.usdPerMillion !== undefined) {
    return usdPrice(parts.usdPerMillion, { node, call, reading })
  }
  const tokens = tokenPrices(node, parts, { parse: parseSatsPerThousand, reading })
  if (tokens === undefined) return undefined
  return { in: 'sats', rate: { ...tokens, call } }
}

interface Around {
  readonly node: RecordNode
  /** msat per million requests. */
  readonly call: bigint
  readonly reading: Reading
}

function usdPrice(usd: Node, { node, call, reading }: Around): Price | undefined {
  const beside = node.entries.find(({ key }) => key !== 'usdPerMillion' && key !== 'request')
  if (beside !== undefined) {
    return reading.mistake(
      beside.at,
      'the price of tokens is in sats here and in dollars in usdPerMillion: remove one of them',
    )
  }
  if (usd.is !== 'record') {
    return reading.mistake(usd.at, 'usdPerMillion takes two prices: { input: 0.5, output: 2 }')
  }
  const parts = partsOf(usd, USD_KEYS, reading)
  if (parts === undefined) return undefined
  const tokens = tokenPrices(usd, parts, { parse: parseUsdPerMillion, reading })
  return tokens === undefined ? undefined : { in: 'usd', usd: tokens, sats: { call } }
}

interface Parsing {
  readonly parse: (text: string) => Result<bigint, string>
  readonly reading: Reading
}

/** Input and output both need a price. An output without one would be given away (A13). */
function tokenPrices(
  node: RecordNode,
  parts: Partial<Record<'input' | 'output' | 'cached', Node>>,
  { parse, reading }: Parsing,
): { input: bigint; cached: bigint; output: bigint } | undefined {
  const missing = (['input', 'output'] as const).filter((key) => parts[key] === undefined)
  for (const key of missing)
    reading.mistake(node.at, `${key} is missing: a price needs input and output`)
  const input = optional(parts.input, scalar(parse), reading)
  const output = optional(parts.output, scalar(parse), reading)
  const cached = optional(parts.cached, scalar(parse), reading)
  if (input === undefined || output === undefined) return undefined
  return { input, output, cached: cached ?? input }
}

const optional = <T>(node: Node | undefined, read: Reader<T>, reading: Reading): T | undefined =>
  node === undefined ? undefined : read(node, reading)

/** The values by key. A key without a value is left out. Undefined if there is an unknown key. */
function partsOf<const K extends string>(
  node: RecordNode,
  keys: readonly K[],
  reading: Reading,
): Partial<Record<K, Node>> | undefined {
  const parts: Partial<Record<K, Node>> = {}
  let known = true
  for (const entry of node.entries) {
    const key = keys.find((name) => name === entry.key)
    if (key === undefined) {
      const near = nearest(entry.key, keys)
      const meant = near === null ? `its keys are ${keys.join(', ')}` : `did you mean ${near}?`
      reading.mistake(entry.at, `a price has no ${quote(entry.key)}; ${meant}`)
      known = false
    } else if (entry.value.is !== 'nothing') parts[key] = entry.value
  }
  return known ? parts : undefined
}

/** `{ llama3: 1, 'legacy-*': refuse }` */
export const modelPrices: Reader<readonly ModelPrice[]> = (node, reading) => {
  if (node.is !== 'record') {
    return reading.mistake(node.at, 'model names with their prices are needed here')
  }
  const models: ModelPrice[] = []
  for (const { key, at, value } of node.entries) {
    if (!/^[^\p{Cc}]{1,256}$/u.test(key))
      reading.mistake(at, `${quote(key)} cannot be the name of a model`)
    else if (value.is === 'nothing') reading.mistake(at, `${quote(key)} has no price`)
    else {
      const mistake = (place: Place, what: string): undefined =>
        reading.mistake(place, `the price of ${quote(key)}: ${what}`)
      const read = price(value, { ...reading, mistake })
      if (read !== undefined) models.push({ pattern: key, price: read })
    }
  }
  return models
}
