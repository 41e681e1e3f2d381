import { sameHex, secretMatches, settlementSecret } from './keys.ts'
import type { Credential, Presented } from './pass.ts'
import { present } from './present.ts'
import { SecondChance } from './second-chance.ts'
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
  const opened = new SecondChance<string>(options.remember)
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
    const presented = present(rawHeaders)
    const holder = presented.is === 'credential' ? holderOf(presented.credential) : null
    return { presented, holder }
  }
}
