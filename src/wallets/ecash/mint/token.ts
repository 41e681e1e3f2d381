import {
  getDecodedToken,
  getTokenMetadata,
  hasValidDleq,
  PaymentRequest,
  type Proof as TheirProof,
} from '@cashu/cashu-ts'
import type { Keys } from './coins.ts'
import type { Proof } from './mint.ts'

/** Reads tokens and writes requests for them. Like `coins.ts`, it is imported late. */

/** What a token says of itself, before its keyset ids are known. */
export interface TokenHead {
  /** As it is written in the token. */
  readonly mint: string
  readonly unit: string
  /** Of its proofs. */
  readonly secrets: readonly string[]
}

/** Reads cashuA or cashuB (NUT-00 V3, V4), of one mint. Null if it is none. */
export function tokenHead(text: string): TokenHead | null {
  try {
    const { mint, unit, incompleteProofs } = getTokenMetadata(text)
    if (typeof mint !== 'string' || typeof unit !== 'string') return null
    const secrets = incompleteProofs.map(({ secret }) => String(secret))
    return secrets.length === 0 ? null : { mint, unit, secrets }
  } catch {
    return null
  }
}

/**
 * The proofs of a token whose head was read. A short keyset id (version 1) is completed from
 * `keysets`. Null if that fails.
 */
export function tokenProofs(text: string, keysets: readonly string[]): readonly Proof[] | null {
  try {
    return getDecodedToken(text, keysets).proofs.map(ours)
  } catch {
    return null
  }
}

function ours({ id, amount, secret, C, dleq }: TheirProof): Proof {
  const proof = { secret: String(secret), keyset: String(id), amount: Number(amount), c: String(C) }
  const whole = dleq?.r === undefined ? null : JSON.stringify({ e: dleq.e, s: dleq.s, r: dleq.r })
  return { ...proof, dleq: whole }
}

/** Whether the mint signed this proof, as its DLEQ shows (NUT-12). Takes some ms. */
export function isSigned({ secret, keyset, amount, c, dleq }: Proof, keys: Keys): boolean {
  if (dleq === null || keys.keys[amount] === undefined) return false
  const theirs = { id: keyset, amount, secret, C: c, dleq: JSON.parse(dleq) }
  try {
    return hasValidDleq(theirs as unknown as TheirProof, keys, { require: true })
  } catch {
    return false
  }
}

/** A request for sats in both encodings (NUT-18, NUT-26), without a transport, as NUT-24 wants it. */
export function requestOf(
  sat: number,
  mints: readonly string[],
): { readonly creqA: string; readonly creqB: string } {
  const request = new PaymentRequest(undefined, undefined, sat, 'sat', [...mints])
  const creqA = request.toEncodedCreqA().replaceAll('+', '-').replaceAll('/', '_')
  return { creqA, creqB: request.toEncodedCreqB() }
}
