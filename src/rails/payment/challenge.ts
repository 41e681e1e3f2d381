import { timingSafeEqual } from 'node:crypto'
import { hmac } from '../../passes/hmac.ts'

/**
 * What a challenge of the Payment scheme says (draft-httpauth-payment, section 5.1). A slot that a
 * challenge does not have is empty.
 */
export interface Slots {
  readonly realm: string
  readonly method: string
  readonly intent: string
  /** JSON in its canonical form, in base64url. */
  readonly request: string
  /** A time of RFC 3339. */
  readonly expires: string
  readonly digest: string
  readonly opaque: string
}

export interface Challenge extends Slots {
  /** Names the challenge, and proves that this gate made it. */
  readonly id: string
}

/** What is not used of a challenge: clients do not send all of it back. */
export const UNUSED = { digest: '', opaque: '' } as const

/**
 * The id of a challenge: an HMAC over its seven slots (draft-httpauth-payment, section 5.1.3), so that
 * nothing needs to be stored for a challenge that nobody pays.
 */
export function challengeId(key: Uint8Array, slots: Slots): string {
  const { realm, method, intent, request, expires, digest, opaque } = slots
  const joined = [realm, method, intent, request, expires, digest, opaque].join('|')
  return hmac(key, Buffer.from(joined)).toString('base64url')
}

/**
 * Whether one of these keys has made the challenge. The slots are joined with a character that they
 * may contain, so only the realm may: then there is one way to divide the text.
 */
export function isMadeWith(keys: readonly Uint8Array[], challenge: Challenge): boolean {
  const { realm: _, id, ...others } = challenge
  if (Object.values(others).some((slot) => slot.includes('|'))) return false
  const shown = Buffer.from(id)
  return keys.some((key) => {
    const made = Buffer.from(challengeId(key, challenge))
    return made.length === shown.length && timingSafeEqual(made, shown)
  })
}

/**
 * The value of WWW-Authenticate. Parameters stand in the order in which clients look for them, each
 * once, as quoted strings with a comma and a space between.
 */
export function writeChallenge(challenge: Partial<Challenge> & { readonly description?: string }) {
  const { id, realm, method, intent, request, expires, digest, description, opaque } = challenge
  const all = { id, realm, method, intent, request, expires, digest, description, opaque }
  const written = Object.entries(all)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${quoted(value ?? '')}`)
  return `Payment ${written.join(', ')}`
}

/** A quoted string of RFC 9110, section 5.6.4. */
const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`
