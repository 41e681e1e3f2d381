import { createHash, timingSafeEqual } from 'node:crypto'
import { assert } from '../floor/assert.ts'
import { hmac } from './hmac.ts'
import type { Identifier } from './identifier.ts'
import { writeIdentifier } from './identifier.ts'

/**
 * All secrets of an invoice are derived from one master key of 32 bytes, so no secret is stored
 * beside the books. Each purpose has its own name in the HMAC. So a derived secret tells nothing
 * about another one (NIST SP 800-108, one block in counter mode).
 */
type Purpose = 'key id' | 'macaroon' | 'settlement' | 'status' | 'payment challenge' | 'x402 offer'

function derive(master: Uint8Array, purpose: Purpose, about: Uint8Array | null): Buffer {
  assert(master.length === 32, 'a master key has 32 bytes')
  const named = Buffer.from(`satgate ${purpose}\0`)
  return hmac(master, about === null ? named : Buffer.concat([named, about]))
}

/**
 * 16 hex digits that name a master key and tell nothing about it. They are stored with each
 * invoice.
 */
export const keyId = (master: Uint8Array): string =>
  derive(master, 'key id', null).toString('hex').slice(0, 16)

/** The root key of one macaroon. `written`: the bytes of its identifier, if they are there. */
export const macaroonKey = (
  master: Uint8Array,
  identifier: Identifier,
  written = writeIdentifier(identifier),
): Uint8Array => derive(master, 'macaroon', written)

/**
 * 64 hex digits that open the pass in place of the preimage once the invoice is settled. Some
 * wallets, mints and Lightning addresses never show a preimage (threats C9).
 */
export const settlementSecret = (master: Uint8Array, identifier: Identifier): string =>
  derive(master, 'settlement', writeIdentifier(identifier)).toString('hex')

/** 64 hex digits. Whoever has them can ask whether the invoice is paid. */
export const statusToken = (master: Uint8Array, identifier: Identifier): string =>
  derive(master, 'status', writeIdentifier(identifier)).toString('hex')

/** The key that signs challenges of the Payment scheme. */
export const paymentKey = (master: Uint8Array): Uint8Array =>
  derive(master, 'payment challenge', null)

/** Signs what a 402 offers, where the client sends the offer back with its payment (x402). */
export const offerKey = (master: Uint8Array): Uint8Array => derive(master, 'x402 offer', null)

const HEX_32 = /^[0-9a-fA-F]{64}$/

/** Whether two texts are the same 32 bytes in hex. Takes constant time. False for anything else. */
export function sameHex(a: string, b: string): boolean {
  if (!HEX_32.test(a) || !HEX_32.test(b)) return false
  return timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'))
}

/** Whether the SHA-256 of the secret is the payment hash. Both are 64 hex digits. */
export function secretMatches(secret: string, hash: string): boolean {
  if (!HEX_32.test(secret)) return false
  return sameHex(createHash('sha256').update(Buffer.from(secret, 'hex')).digest('hex'), hash)
}
