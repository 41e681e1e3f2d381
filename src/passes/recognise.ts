import { encodeBase64 } from './base64.ts'
import { sameHex, secretMatches, settlementSecret } from './keys.ts'
import type { KnownPasses } from './known.ts'
import { credentialOf } from './pair.ts'
import type { Credential, Presented, PresentedPass, Verified } from './pass.ts'
import { type ForRails, type Malformed, NO_RAILS, onlyCredential, present } from './present.ts'
import type { RootKey, Verify } from './verify.ts'

/** Reads the passes in the headers of a request. No other code reads them. */
export type Recognise = (rawHeaders: readonly string[]) => Presented

/**
 * The payment hash of a pass whose signature and secret are right, whether the invoice is paid or
 * not. Null for anybody else. Only somebody who paid, or was given it, has such a secret.
 */
export const holderOf = (presented: PresentedPass | { readonly is: string }): string | null =>
  'opens' in presented && presented.opens !== null && presented.verified.ok
    ? presented.verified.value.pass.hash
    : null

/** Makes the one reader of passes. `known`: passes whose headers need not be read again. */
export function makeRecogniser(options: {
  readonly verify: Verify
  readonly keys: readonly RootKey[]
  readonly known: Pick<KnownPasses, 'find'>
  /** What other rails read is not for passes, and may stand beside one (threats L16). */
  readonly rails?: ForRails
}): Recognise {
  const { verify, keys, known, rails = NO_RAILS } = options
  const opensOf = ({ pass, keyId }: Verified, secret: string): PresentedPass['opens'] => {
    if (secretMatches(secret, pass.hash)) return 'preimage'
    const key = keys.find(({ id }) => id === keyId)
    const settles = key !== undefined && sameHex(secret, settlementSecret(key.master, pass))
    return settles ? 'settlement' : null
  }
  const read = (credential: Credential, header: string | null = null): PresentedPass => {
    const verified = verify(credential)
    const opens = verified.ok ? opensOf(verified.value, credential.secret) : null
    return { is: 'credential', credential, verified, opens, header }
  }
  return (rawHeaders) => {
    const header = onlyCredential(rawHeaders, rails)
    if (header === '') return ABSENT
    const before = header === null ? null : known.find(header)
    if (before !== null) return before
    const found = present(rawHeaders, rails)
    if (found.is === 'malformed') return recognised(found, verify, read)
    return found.is === 'credential' ? read(found.credential, header) : found
  }
}

const ABSENT = { is: 'absent' } as const

/**
 * Finds out what a malformed value was (threats K12). It is served only if that is certain: the
 * signature of the repaired pass is right, and the secret opens it.
 */
function recognised(
  { detail, mended }: Malformed,
  verify: Verify,
  read: (credential: Credential) => PresentedPass,
): Presented {
  const good = new Map<string, PresentedPass>()
  for (const { candidate } of mended) {
    const pass = candidate === null ? null : read(candidate)
    if (pass !== null && pass.opens !== null) good.set(pass.credential.text, pass)
  }
  const [first] = good.values()
  if (good.size > 1) return { is: 'conflict' }
  if (first !== undefined) return first
  for (const macaroon of mended.flatMap(({ macaroons }) => macaroons).slice(0, MOST_VERIFIED)) {
    const verified = verify(credentialOf(macaroon, ''))
    if (!verified.ok) continue
    const { pass, keyId } = verified.value
    return { is: 'damaged', detail, macaroon: encodeBase64(macaroon), pass, keyId }
  }
  return { is: 'malformed', detail }
}

/** How many signatures are computed at most for one damaged request. */
const MOST_VERIFIED = 4
