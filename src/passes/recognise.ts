import { Cache } from '../floor/cache.ts'
import { sameHex, secretMatches, settlementSecret } from './keys.ts'
import { credentialOf } from './pair.ts'
import type { Credential, Presented, PresentedPass, Verified } from './pass.ts'
import { type Malformed, present } from './present.ts'
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

/** `remember`: how many right secrets are kept, so that they need not be checked again. */
export function makeRecogniser(options: {
  readonly verify: Verify
  readonly keys: readonly RootKey[]
  readonly remember: number
}): Recognise {
  const { verify, keys } = options
  const opened = new Cache<Opened>(options.remember)
  const opensOf = ({ pass, keyId }: Verified, secret: string): PresentedPass['opens'] => {
    const known = opened.get(pass.hash)
    if (known !== undefined && sameHex(known.secret, secret)) {
      if (known.as === 'preimage' || known.tokenId === pass.tokenId) return known.as
    }
    const key = keys.find(({ id }) => id === keyId)
    const as = secretMatches(secret, pass.hash)
      ? 'preimage'
      : key !== undefined && sameHex(secret, settlementSecret(key.master, pass))
        ? 'settlement'
        : null
    if (as !== null) opened.set(pass.hash, { secret, as, tokenId: pass.tokenId })
    return as
  }
  const read = (credential: Credential): PresentedPass => {
    const verified = verify(credential)
    const opens = verified.ok ? opensOf(verified.value, credential.secret) : null
    return { is: 'credential', credential, verified, opens }
  }
  return (rawHeaders) => {
    const found = present(rawHeaders)
    if (found.is === 'malformed') return recognised(found, verify, read)
    return found.is === 'credential' ? read(found.credential) : found
  }
}

/** A secret that opened a pass. A settlement secret opens the pass of one token id only. */
interface Opened {
  readonly secret: string
  readonly tokenId: string
  readonly as: 'preimage' | 'settlement'
}

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
    return { is: 'damaged', detail, pass, keyId }
  }
  return { is: 'malformed', detail }
}

/** How many signatures are computed at most for one damaged request. */
const MOST_VERIFIED = 4
