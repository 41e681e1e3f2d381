import { createHash } from 'node:crypto'
import type { AccountId, PaymentId } from '../ledger/ledger.ts'
import { encodeBase64 } from './base64.ts'
import { type Identifier, writeIdentifier } from './identifier.ts'
import { macaroonKey } from './keys.ts'
import { mint, serialize } from './macaroon.ts'

/** Root keys by their id: a macaroon is verified with the one that it was made with (threats C12). */
export interface RootKeys {
  readonly current: { readonly id: string; readonly master: Uint8Array }
  byId(id: string): Uint8Array | null
}

const LOCATION = 'satgate'

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The macaroon of that name, base64. */
export function macaroonOf(
  named: Identifier,
  master: Uint8Array,
  caveats: readonly string[],
): string {
  const made = { location: LOCATION, caveats }
  return encodeBase64(serialize(mint(macaroonKey(master, named), writeIdentifier(named), made)))
}

/**
 * What the pass of a payment without a payment hash is called: 64 hex digits. The hashed text is longer
 * than a preimage, so nobody can have a preimage of it.
 */
export const passNameOf = (payment: PaymentId): string =>
  createHash('sha256').update(`satgate pass of the payment ${payment}`).digest('hex')

/** 32 hex digits that name a balance. */
export const newAccount = (random: (bytes: number) => Uint8Array): AccountId => hex(random(16))
