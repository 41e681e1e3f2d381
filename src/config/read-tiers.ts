import type { Tier } from '../money/tiers.ts'
import { type Node, quote } from './node.ts'
import { type Reader, type Reading, wholeNumber } from './reader.ts'

/** The largest amount of a tier, in sats: the largest that `POST /create-invoice` sells. */
const MOST_SATS = 10_000_000
const KEYS = ['amountSats', 'creditSats'] as const
const FORM = 'a tier is { amountSats: 10000, creditSats: 11000 }'

/** `[{ amountSats: 10000, creditSats: 11000 }]`: no amount twice, and no tier that takes credit away. */
export const tiers: Reader<readonly Tier[]> = (node, reading) => {
  if (node.is !== 'list') return reading.mistake(node.at, `a list of tiers is needed here; ${FORM}`)
  const read = node.items.map((item) => tier(item, reading))
  const known = read.filter((one) => one !== undefined)
  for (const [at, one] of read.entries()) {
    const first = read.findIndex((other) => other?.amountSats === one?.amountSats)
    const item = node.items[at]
    if (one !== undefined && item !== undefined && first < at)
      return reading.mistake(item.at, `there are two tiers for ${one.amountSats} sats`)
  }
  return known.length === read.length ? known : undefined
}

function tier(node: Node, reading: Reading): Tier | undefined {
  if (node.is !== 'record') return reading.mistake(node.at, FORM)
  const sats: Partial<Record<(typeof KEYS)[number], number>> = {}
  for (const { at, key, value } of node.entries) {
    const name = KEYS.find((one) => one === key)
    if (name === undefined) return reading.mistake(at, `a tier has no ${quote(key)}; ${FORM}`)
    const number = wholeNumber(1, name === 'amountSats' ? MOST_SATS : 10 * MOST_SATS)(
      value,
      reading,
    )
    if (number === undefined) return undefined
    sats[name] = number
  }
  const { amountSats, creditSats } = sats
  if (amountSats === undefined || creditSats === undefined) return reading.mistake(node.at, FORM)
  if (creditSats >= amountSats) return { amountSats, creditSats }
  return reading.mistake(
    node.at,
    `a payment of ${amountSats} sats would buy only ${creditSats}: creditSats is amountSats or more`,
  )
}
