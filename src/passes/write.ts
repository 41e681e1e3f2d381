import { createHash } from 'node:crypto'
import type { AccountId, PaymentId } from '../ledger/ledger.ts'
import { encodeBase64 } from './base64.ts'
import { type Identifier, writeIdentifier } from './identifier.ts'
import { keyId, macaroonKey } from './keys.ts'
import { mint, serialize } from './macaroon.ts'
import type { RootKey } from './verify.ts'

/** The root keys by id. A macaroon is verified with the key that made it (threats C12). */
export interface RootKeys {
  /** Makes new passes. */
  readonly current: RootKey
  /** All keys whose passes are good, the current one first. */
  readonly all: readonly RootKey[]
  byId(id: string): Uint8Array | null
}

/** Root keys from their bytes. The first one makes new passes, the others are older. */
export function rootKeysOf(current: Uint8Array, ...older: readonly Uint8Array[]): RootKeys {
  const named = (master: Uint8Array): RootKey => ({ id: keyId(master), master })
  const all = [named(current), ...older.map(named)]
  return {
    current: named(current),
    all,
    byId: (asked) => all.find(({ id }) => id === asked)?.master ?? null,
  }
}

const LOCATION = 'satgate'

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Makes the macaroon with that identifier, in base64. */
export function macaroonOf(
  named: Identifier,
  master: Uint8Array,
  caveats: readonly string[],
): string {
  const identifier = writeIdentifier(named)
  const rootKey = macaroonKey(master, named, identifier)
  return encodeBase64(serialize(mint(rootKey, identifier, { location: LOCATION, caveats })))
}

/**
 * The name of a pass that a payment without a payment hash buys: 64 hex digits. The hashed text is
 * longer than a preimage, so no preimage of the name can exist.
 */
export const passNameOf = (payment: PaymentId): string =>
  createHash('sha256').update(`satgate pass of the payment ${payment}`).digest('hex')

/** A new account: 32 random hex digits. */
export const newAccount = (random: (bytes: number) => Uint8Array): AccountId => hex(random(16))
