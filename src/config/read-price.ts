import { nearest } from '../floor/nearest.ts'
import type { Result } from '../floor/result.ts'
import {
  type Price,
  parsePrice,
  parseSatsEach,
  parseSatsOfMany,
  parseSatsPerThousand,
  parseUsdPerMillion,
} from '../money/parse.ts'
import type { Rate } from '../money/price.ts'
import type { ModelPrice } from '../money/pricing.ts'
import { type Node, type Place, quote, type RecordNode } from './node.ts'
import { type ImagePrices, imagePrices } from './read-image-prices.ts'
import { type Reader, type Reading, scalar } from './reader.ts'

/** Their prices are in sats for one, whatever the tokens are priced in. */
const EACH_KEYS = ['request', 'image', 'second', 'character', 'byte'] as const
const USD_KEYS = ['input', 'output', 'cached', 'cacheWrite'] as const
const SATS_KEYS = [...USD_KEYS, ...EACH_KEYS, 'usdPerMillion'] as const

type EachKey = (typeof EACH_KEYS)[number]
type Parts = Partial<Record<(typeof SATS_KEYS)[number], Node>>

/** What an operator may write for one of those, and what is right. */
const HINTS: Readonly<Record<string, string>> = {
  minute: 'write second, with a sixtieth of the price of a minute',
  hour: 'write second, with a 3,600th of the price of an hour',
  kilobyte: 'write byte, with a thousandth of the price of a kilobyte',
  megabyte: 'write byte, with a millionth of the price of a megabyte',
}

/**
 * `1`, `1/3`, `free`, `refuse`, or a record: sats per 1,000 tokens or dollars per million, and sats for each
 * request, image, second, character or byte.
 */
export const price: Reader<Price> = (node, reading) =>
  node.is === 'record' ? priceRecord(node, reading) : scalar(parsePrice)(node, reading)

function priceRecord(node: RecordNode, reading: Reading): Price | undefined {
  const parts = partsOf(node, SATS_KEYS, reading)
  if (parts === undefined) return undefined
  const each = eachPrices(parts, reading)
  if (each === undefined) return undefined
  if (parts.usdPerMillion !== undefined) {
    return usdPrice(parts.usdPerMillion, { node, each, reading })
  }
  const sellsOthers = EACH_KEYS.some((key) => parts[key] !== undefined)
  const sellsTokens = USD_KEYS.some((key) => parts[key] !== undefined)
  if (sellsOthers && !sellsTokens) return { in: 'sats', ...each }
  const tokens = tokenPrices(node, parts, { parse: parseSatsPerThousand, reading })
  if (tokens === undefined) return undefined
  return { in: 'sats', ...each, rate: { ...tokens, ...each.rate } }
}

/** The prices of what is not a token. */
type Each = Pick<Extract<Price, { in: 'sats' }>, 'rate' | 'images'>

/** Undefined if one of them is a mistake. */
function eachPrices(parts: Parts, reading: Reading): Each | undefined {
  const one = (key: EachKey, parse: Parsing['parse']) =>
    parts[key] === undefined ? {} : { [key]: optional(parts[key], scalar(parse), reading) }
  const prices = {
    ...one('second', parseSatsOfMany),
    ...one('character', parseSatsOfMany),
    ...one('byte', parseSatsOfMany),
  }
  const call = parts.request === undefined ? 0n : scalar(parseSatsEach)(parts.request, reading)
  const none: Partial<ImagePrices> = {}
  const image = parts.image === undefined ? none : imagePrices(parts.image, reading)
  if (call === undefined || image === undefined) return undefined
  if (Object.values(prices).includes(undefined)) return undefined
  const { images, ...ofImage } = image
  const rate: Rate = { ...ofImage, ...prices, call }
  return images === undefined ? { rate } : { rate, images }
}

interface Around {
  readonly node: RecordNode
  readonly each: Each
  readonly reading: Reading
}

function usdPrice(usd: Node, { node, each, reading }: Around): Price | undefined {
  const beside = node.entries.find(({ key }) => USD_KEYS.some((name) => name === key))
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
  if (tokens === undefined) return undefined
  const { rate: sats, ...images } = each
  return { in: 'usd', usd: tokens, sats, ...images }
}

interface Parsing {
  readonly parse: (text: string) => Result<bigint, string>
  readonly reading: Reading
}

/** Input and output both need a price. An output without one would be given away (A13). */
function tokenPrices(
  node: RecordNode,
  parts: Partial<Record<'input' | 'output' | 'cached' | 'cacheWrite', Node>>,
  { parse, reading }: Parsing,
): { input: bigint; cached: bigint; cacheWrite?: bigint; output: bigint } | undefined {
  const missing = (['input', 'output'] as const).filter((key) => parts[key] === undefined)
  for (const key of missing)
    reading.mistake(node.at, `${key} is missing: a price of tokens needs input and output`)
  const input = optional(parts.input, scalar(parse), reading)
  const output = optional(parts.output, scalar(parse), reading)
  const cached = optional(parts.cached, scalar(parse), reading)
  if (input === undefined || output === undefined) return undefined
  const cacheWrite = optional(parts.cacheWrite, scalar(parse), reading)
  const tokens = { input, output, cached: cached ?? input }
  return cacheWrite === undefined ? tokens : { ...tokens, cacheWrite }
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
      const guess = near === null ? `its keys are ${keys.join(', ')}` : `did you mean ${near}?`
      const meant = Object.hasOwn(HINTS, entry.key) ? HINTS[entry.key] : guess
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
