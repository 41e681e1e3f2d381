import { isOnion, isPrivate } from '../floor/address.ts'
import { keccak256 } from '../floor/keccak.ts'
import { nearest } from '../floor/nearest.ts'
import { err, ok } from '../floor/result.ts'
import { formatDecimal, parseDecimal } from '../money/parse.ts'
import { type MicroUsd, microUsd } from '../money/usd.ts'
import { NETWORKS, x402Network } from '../rails/x402/networks.ts'
import { anyOf, type Reader, scalar } from './reader.ts'

/**
 * An address of an EVM chain, in lower case. If it has capitals, they must be those of EIP-55, so that a
 * typing mistake is found before money is sent there.
 */
export const evmAddress: Reader<string> = (node, reading) => {
  // Somebody may paste a private key here. A mistake is printed, and a log keeps it.
  if (node.is === 'text' && PRIVATE_KEY.test(node.text)) {
    return reading.mistake(
      node.at,
      'has 64 hex digits, as a private key has. Write the address that dollars are paid to: 0x and 40 hex digits. No private key belongs here',
    )
  }
  return address(node, reading)
}

const PRIVATE_KEY = /^(?:0x)?[\da-f]{64}$/i

const address = scalar((text) => {
  if (!/^0x[\da-f]{40}$/i.test(text)) return err('is not an address: 0x and 40 hex digits')
  const digits = text.slice(2).toLowerCase()
  if (/^0+$/.test(digits)) return err('is the address of nobody')
  const plain = text.slice(2) === digits || text.slice(2) === digits.toUpperCase()
  if (plain || text.slice(2) === withCapitals(digits)) return ok(`0x${digits}`)
  return err('has a typing mistake: its capitals do not fit its digits (EIP-55)')
})

/** EIP-55: a letter is a capital if the digit of the hash at its place is 8 or more. */
function withCapitals(digits: string): string {
  const hash = Buffer.from(keccak256(Buffer.from(digits))).toString('hex')
  return [...digits]
    .map((one, at) => (Number.parseInt(hash[at] ?? '0', 16) >= 8 ? one.toUpperCase() : one))
    .join('')
}

/** A network of the table, by its name or its CAIP-2 id. The result is the id: `eip155:8453`. */
export const dollarNetwork: Reader<string> = scalar((text) => {
  const found = x402Network(text)
  if (found !== null) return ok(found.network)
  const names = NETWORKS.map(({ name }) => name)
  const near = nearest(text, [...names, ...NETWORKS.map(({ network }) => network)])
  const meant = near === null ? `choose ${anyOf(names)}` : `did you mean ${near}?`
  return err(`is not a network whose dollars are taken; ${meant}`)
})

const PLACES = 6
/** A cent: less does not pay for the transaction that carries it. */
const LEAST = 10_000n
/** A million dollars. More is a typing mistake. */
const MOST = 1_000_000_000_000n

/** Dollars with up to six decimals, as micro-dollars. */
export const dollars: Reader<MicroUsd> = scalar((text) => {
  const value = parseDecimal(text, PLACES)
  if (!value.ok) return value
  if (value.value >= LEAST && value.value <= MOST) return ok(microUsd(value.value))
  return err(
    `is not from ${formatDecimal(LEAST, PLACES)} to ${formatDecimal(MOST, PLACES)} dollars`,
  )
})

/**
 * Whether a connection to the URL can be trusted with money: TLS, or a host on this machine or in a
 * private network. Otherwise anybody on the way could say that a payment is settled.
 */
export function isTrusted(text: string): boolean {
  const url = new URL(text)
  return url.protocol === 'https:' || isPrivate(url.hostname) || isOnion(url.hostname)
}
