import { assert } from '../floor/assert.ts'

/**
 * What an L402 macaroon names: a payment, and one of the macaroons for it. Both are 64 hex digits.
 */
export interface Identifier {
  readonly hash: string
  readonly tokenId: string
}

const BYTES = 66
const HEX_32 = /^[0-9a-f]{64}$/

/**
 * The 66 bytes of an identifier: version 0 in two bytes, the payment hash, the token id
 * (docs/wire.md#macaroons).
 */
export function writeIdentifier({ hash, tokenId }: Identifier): Uint8Array {
  assert(HEX_32.test(hash) && HEX_32.test(tokenId), 'hash and token id are 64 hex digits each')
  return Buffer.from(`0000${hash}${tokenId}`, 'hex')
}

/** Reads an identifier. Returns null for another length or version. */
export function readIdentifier(bytes: Uint8Array): Identifier | null {
  if (bytes.length !== BYTES || bytes[0] !== 0 || bytes[1] !== 0) return null
  const hex = Buffer.from(bytes).toString('hex')
  return { hash: hex.slice(4, 68), tokenId: hex.slice(68) }
}
