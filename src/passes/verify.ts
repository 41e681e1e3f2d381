import { Cache } from '../floor/cache.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { readIdentifier } from './identifier.ts'
import { macaroonKey } from './keys.ts'
import { parse, verify } from './macaroon.ts'
import type { Credential, PassRefused, Verified } from './pass.ts'
import { readPass } from './read.ts'

/** A master key and its id, `keyId(master)`. */
export interface RootKey {
  readonly id: string
  readonly master: Uint8Array
}

/** Checks the signature of a macaroon. */
export type Verify = (credential: Credential) => Result<Verified, PassRefused>

export interface VerifierOptions {
  /** Every root key with which passes in use were made, the current one first (threats C12). */
  readonly keys: readonly RootKey[]
  /** How many verified macaroons are kept. */
  readonly remember: number
}

/**
 * Makes the function that believes a macaroon. It says nothing of the secret beside it, of time or
 * of money: those are checked anew with every request. What was verified is remembered by the
 * macaroon's text alone, so no secret is kept and wrong secrets take no room.
 */
export function makeVerifier({ keys, remember }: VerifierOptions): Verify {
  const known = new Cache<Verified>(remember)
  return (credential) => {
    const { text, secret } = credential
    const name = text.slice(0, text.length - secret.length)
    const before = known.get(name)
    if (before !== undefined) return ok(before)
    const verified = verifyWith(keys, credential.macaroon)
    if (verified.ok) known.set(name, verified.value)
    return verified
  }
}

function verifyWith(keys: readonly RootKey[], bytes: Uint8Array): Result<Verified, PassRefused> {
  const macaroon = parse(bytes)
  if (!macaroon.ok) return err('malformed')
  const identifier = readIdentifier(macaroon.value.identifier)
  if (identifier === null) return err('malformed')
  for (const { id, master } of keys) {
    const signatures = verify(macaroonKey(master, identifier), macaroon.value)
    if (signatures === null) continue
    const pass = readPass(macaroon.value, signatures)
    return pass.ok ? ok({ pass: pass.value, keyId: id }) : pass
  }
  return err('bad_signature')
}
