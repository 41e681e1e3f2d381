import { Cache } from '../floor/cache.ts'
import { sameHex, secretMatches, settlementSecret } from './keys.ts'
import { credentialOf } from './pair.ts'
import type { Credential, Presented } from './pass.ts'
import { type Malformed, present } from './present.ts'
import type { RootKey, Verify } from './verify.ts'

/** What a request presents, and whether its bearer is known before anybody is asked. */
export interface Recognised {
  readonly presented: Presented
  /**
   * The payment hash of a pass whose signature and secret are right, settled or not; null: a stranger.
   * Only who paid has such a secret. Neither the store nor a wallet was asked for it.
   */
  readonly holder: string | null
}

/** Reads the headers of one request: the only reading there is. */
export type Recognise = (rawHeaders: readonly string[]) => Recognised

/** `remember`: how many secrets that were right are compared with themselves from then on. */
export function makeRecogniser(options: {
  readonly verify: Verify
  readonly keys: readonly RootKey[]
  readonly remember: number
}): Recognise {
  const { verify, keys } = options
  const opened = new Cache<string>(options.remember)
  const holderOf = (credential: Credential): string | null => {
    const verified = verify(credential)
    if (!verified.ok) return null
    const { pass, keyId } = verified.value
    const { secret } = credential
    const known = opened.get(pass.hash)
    if (known !== undefined && sameHex(known, secret)) return pass.hash
    const key = keys.find(({ id }) => id === keyId)
    const opens =
      secretMatches(secret, pass.hash) ||
      (key !== undefined && sameHex(secret, settlementSecret(key.master, pass)))
    if (!opens) return null
    opened.set(pass.hash, secret)
    return pass.hash
  }
  return (rawHeaders) => {
    const found = present(rawHeaders)
    if (found.is === 'malformed') return recognised(found, verify, holderOf)
    const holder = found.is === 'credential' ? holderOf(found.credential) : null
    return { presented: found, holder }
  }
}

/**
 * What something malformed turns out to be (threats K12). It is served only where that is certain:
 * the signature of a mended one verifies, and its secret opens it.
 */
function recognised(
  { detail, mended }: Malformed,
  verify: Verify,
  holderOf: (credential: Credential) => string | null,
): Recognised {
  const good = new Map<string, Recognised>()
  for (const { candidate: credential } of mended) {
    const holder = credential === null ? null : holderOf(credential)
    if (credential === null || holder === null) continue
    good.set(credential.text, { presented: { is: 'credential', credential }, holder })
  }
  const [first] = good.values()
  if (good.size > 1) return { presented: { is: 'conflict' }, holder: null }
  if (first !== undefined) return first
  for (const macaroon of mended.flatMap(({ macaroons }) => macaroons).slice(0, MOST_VERIFIED)) {
    const verified = verify(credentialOf(macaroon, ''))
    if (!verified.ok) continue
    const { pass, keyId } = verified.value
    return { presented: { is: 'damaged', detail, pass, keyId }, holder: null }
  }
  return { presented: { is: 'malformed', detail }, holder: null }
}

/** Macaroons of one damaged request whose signatures are computed. */
const MOST_VERIFIED = 4
