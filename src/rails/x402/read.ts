import { decodeBase64 } from '../../passes/base64.ts'
import type { Read } from '../rail.ts'
import { v1Network } from './networks.ts'
import type { Address, Authorization, X402Payment } from './payment.ts'

/** The header of a payment, by its name in lower case, and the version of x402 that it is of. */
const VERSIONS: Readonly<Record<string, 1 | 2>> = { 'payment-signature': 2, 'x-payment': 1 }

export const PAYMENT_HEADERS: readonly string[] = Object.keys(VERSIONS)

/** Characters of the longest header that is decoded. A payment has some 1,000. */
export const MOST_CHARACTERS = 16_384

/** What a header presents: a payment, or why it is none. Nothing in it is believed. */
export type X402Presented =
  | { readonly is: 'payment'; readonly payment: X402Payment }
  | ({ readonly is: 'none'; readonly x402Version: 1 | 2 } & Unreadable)

/**
 * Why a header is no payment that can be taken, in order of precedence. `about`: what is wrong with it,
 * without a word of its text.
 */
type Unreadable =
  | { readonly why: 'too_large' | 'scheme' | 'network' }
  | { readonly why: 'malformed'; readonly about: string }

/**
 * Reads the payment of a request: `PAYMENT-SIGNATURE` (x402 version 2) or `X-PAYMENT` (version 1). There
 * may be one of them, once: two could be charged both (threats F8).
 */
export function presentedIn(rawHeaders: readonly string[]): Read<X402Presented> {
  let found: Read<X402Presented> = { is: 'absent' }
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const x402Version = VERSIONS[rawHeaders[at]?.toLowerCase() ?? '']
    const text = rawHeaders[at + 1]?.trim() ?? ''
    if (x402Version === undefined || text === '') continue
    if (found.is !== 'absent') return { is: 'conflict' }
    found = { is: 'payment', payment: readPayment(text, x402Version) }
  }
  return found
}

/**
 * Reads one header: base64 in either alphabet, padded or not, of JSON. Numbers may be texts of digits or
 * whole numbers. Addresses and hex are returned in lower case.
 */
export function readPayment(text: string, x402Version: 1 | 2): X402Presented {
  const not = (why: Unreadable): X402Presented => ({ is: 'none', x402Version, ...why })
  const bad = (about: string) => not({ why: 'malformed', about })
  if (text.length > MOST_CHARACTERS) return not({ why: 'too_large' })
  const whole = objectIn(text)
  if (whole === null) return bad('it is not base64 of a JSON object')
  if (whole.x402Version !== x402Version) return bad(`its x402Version is not ${x402Version}`)
  const accepted = x402Version === 2 ? objectOf(whole.accepted) : null
  if (x402Version === 2 && accepted === null) return bad('it has no object "accepted"')
  const { scheme, network } = accepted ?? whole
  if (typeof scheme !== 'string' || typeof network !== 'string') {
    return bad('its scheme or its network is no text')
  }
  if (scheme !== 'exact') return not({ why: 'scheme' })
  const known = x402Version === 2 ? network : v1Network(network)?.network
  if (known === undefined) return not({ why: 'network' })
  const resource = resourceOf(whole.resource)
  if (resource === undefined) return bad('its resource has no url')
  const payload = objectOf(whole.payload)
  const signature = textOf(payload?.signature, HEX)
  const authorization = authorizationOf(objectOf(payload?.authorization))
  if (signature === null) return bad('its payload has no signature in hex')
  if (typeof authorization === 'string') return bad(authorization)
  return {
    is: 'payment',
    payment: { x402Version, network: known, authorization, signature, accepted, resource },
  }
}

type Fields = Readonly<Record<string, unknown>>

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function objectIn(text: string): Fields | null {
  const bytes = decodeBase64(text)
  if (bytes === null) return null
  try {
    return objectOf(JSON.parse(UTF8.decode(bytes)))
  } catch {
    return null
  }
}

const objectOf = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null

/** Version 2 may leave it out, which is null. Undefined: it is there, and is none. */
function resourceOf(value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null
  const url = objectOf(value)?.url
  return typeof url === 'string' ? url : undefined
}

const ADDRESS = /^0x[0-9a-f]{40}$/i
const NONCE = /^0x[0-9a-f]{64}$/i
const HEX = /^0x(?:[0-9a-f]{2})+$/i

const textOf = (value: unknown, form: RegExp): string | null =>
  typeof value === 'string' && form.test(value) ? value.toLowerCase() : null

export const addressOf = (value: unknown): Address | null => textOf(value, ADDRESS)

/** What a payer signs (EIP-3009), or what is wrong with it. */
function authorizationOf(fields: Fields | null): Authorization | string {
  if (fields === null) return 'its payload has no authorization'
  const [from, to] = [addressOf(fields.from), addressOf(fields.to)]
  if (from === null || to === null) return 'from or to is no address of 40 hex digits'
  const nonce = textOf(fields.nonce, NONCE)
  if (nonce === null) return 'its nonce is not 64 hex digits'
  const [value, validAfter, validBefore] = [
    fields.value,
    fields.validAfter,
    fields.validBefore,
  ].map(wholeOf)
  if (value == null || validAfter == null || validBefore == null) {
    return 'value, validAfter or validBefore is no whole number'
  }
  return { from, to, value, validAfter, validBefore, nonce }
}

const DIGITS = /^\d{1,78}$/
/** A number of Solidity's `uint256` is below this. */
const TOO_MUCH = 2n ** 256n

/** A whole number, as a text of digits or as a number that JSON keeps exactly. */
export function wholeOf(value: unknown): bigint | null {
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null
  }
  if (typeof value !== 'string' || !DIGITS.test(value)) return null
  const whole = BigInt(value)
  return whole < TOO_MUCH ? whole : null
}
