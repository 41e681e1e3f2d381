import { err, ok, type Result } from '../../floor/result.ts'
import { objectOf, readJsonObject } from './canonical.ts'
import { type Challenge, UNUSED } from './challenge.ts'

/** A credential of the Payment scheme (draft-httpauth-payment, section 5.2). */
export interface Credential {
  /** The challenge as the client sends it back. Nothing of it is believed before its id is checked. */
  readonly challenge: Challenge
  /** What proves the payment, in the words of its method. */
  readonly payload: Readonly<Record<string, unknown>>
}

/** The most characters that a credential may have: the draft asks for 4 KB. */
const LONGEST = 8_192

/** Reads what stands behind `Payment`. The error says what is wrong, and repeats nothing of it. */
export function readCredential(token: string): Result<Credential, string> {
  if (token.length > LONGEST) return err('it is longer than 8192 characters')
  const read = readJsonObject(token)
  if (read === null) return err('it is no JSON object in base64url')
  const payload = objectOf(read.payload)
  if (payload === null) return err('it has no payload')
  const challenge = challengeIn(objectOf(read.challenge) ?? {})
  if (challenge === null) return err('it does not repeat the whole challenge')
  return ok({ challenge, payload })
}

function challengeIn(echoed: Readonly<Record<string, unknown>>): Challenge | null {
  const { id, realm, method, intent, request } = echoed
  const { expires = '', digest = UNUSED.digest, opaque = UNUSED.opaque } = echoed
  const challenge = { id, realm, method, intent, request, expires, digest, opaque }
  const whole = Object.values(challenge).every((slot) => typeof slot === 'string')
  return whole && [id, realm, method, intent, request].every((slot) => slot !== '')
    ? (challenge as Challenge)
    : null
}
