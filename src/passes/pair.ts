import { err, ok, type Result } from '../floor/result.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { readIdentifier } from './identifier.ts'
import { MAX_BYTES, type Macaroon, parse } from './macaroon.ts'
import type { Credential } from './pass.ts'

const SECRET = /^[0-9a-fA-F]{64}$/
const MOST_CHARACTERS = (MAX_BYTES / 3) * 4

export const isSecret = (text: string): boolean => SECRET.test(text)

/**
 * Reads a macaroon in base64 and its secret. The error is a message for the owner and repeats
 * nothing of them.
 */
export function readPair(token: string, secret: string): Result<Credential, string> {
  if (!isSecret(secret)) return err('the secret is not 64 hex digits')
  const bytes = token.length > MOST_CHARACTERS ? null : decodeBase64(token)
  if (bytes === null || readMacaroon(bytes) === null) return err('the macaroon cannot be read')
  return ok(credentialOf(bytes, secret))
}

/** Reads a macaroon that has the form of ours. Its signature is not checked here. */
export function readMacaroon(bytes: Uint8Array): Macaroon | null {
  const macaroon = parse(bytes)
  return macaroon.ok && readIdentifier(macaroon.value.identifier) !== null ? macaroon.value : null
}

export function credentialOf(macaroon: Uint8Array, secret: string): Credential {
  const lower = secret.toLowerCase()
  return { macaroon, secret: lower, text: `${encodeBase64(macaroon)}:${lower}` }
}
