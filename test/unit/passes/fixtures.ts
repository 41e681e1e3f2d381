import { createHash } from 'node:crypto'
import { encodeBase64 } from '../../../src/passes/base64.ts'
import { type Identifier, writeIdentifier } from '../../../src/passes/identifier.ts'
import { keyId, macaroonKey } from '../../../src/passes/keys.ts'
import { type Macaroon, mint, parse, serialize } from '../../../src/passes/macaroon.ts'
import type { Credential } from '../../../src/passes/pass.ts'
import { present } from '../../../src/passes/present.ts'
import type { RootKey } from '../../../src/passes/verify.ts'

export const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export const rootKey = (byte: number): RootKey => ({
  id: keyId(filled(byte)),
  master: filled(byte),
})
export const KEY = rootKey(0x11)

export const SECRET = hex(filled(0x22))
export const IDENTIFIER: Identifier = {
  hash: createHash('sha256').update(filled(0x22)).digest('hex'),
  tokenId: hex(filled(0x33)),
}

/** A macaroon signed by a master key, with these caveats from the beginning. */
export const macaroon = (caveats: readonly string[] = [], key: RootKey = KEY): Macaroon =>
  mint(macaroonKey(key.master, IDENTIFIER), writeIdentifier(IDENTIFIER), {
    location: 'satgate',
    caveats,
  })

export const token = (made: Macaroon): string => encodeBase64(serialize(made))

/** `<macaroon>:<secret>`. */
export const text = (caveats: readonly string[] = [], key: RootKey = KEY): string =>
  `${token(macaroon(caveats, key))}:${SECRET}`

export function credential(pass: string): Credential {
  const presented = present(['Authorization', `L402 ${pass}`])
  if (presented.is !== 'credential') throw new Error(`not a credential: ${presented.is}`)
  return presented.credential
}

export function macaroonIn(pass: string): Macaroon {
  const parsed = parse(credential(pass).macaroon)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}
