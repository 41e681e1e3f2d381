import { hmac, sha256 } from './sha256.ts'

/** The end of a macaroon in V2: no more caveats, then the signature. */
const END = [0, 6, 32]
const SIGNATURE = 32

/**
 * The key for the settings of an app: the root pass with the caveat `only = spend`. It spends the
 * account and tops it up, and can take nothing out. Whoever reads the settings of that app gets no more
 * than that. The same pass always gives the same key. A pass that is narrowed already stays as it is.
 */
export function spendingKey(pass: string): string {
  const colon = pass.indexOf(':')
  const bytes = bytesOf(pass.slice(0, colon))
  if (bytes === null || !isRoot(bytes)) return pass
  const id = hexOf(sha256(encoded(`spending key of ${pass}`))).slice(0, 16)
  const made = [`id = ${id}`, 'only = spend'].reduce(withCaveat, bytes)
  return `${btoa(String.fromCharCode(...made))}${pass.slice(colon)}`
}

/** The packets of a macaroon: an optional location, the identifier, then caveats. */
function isRoot(bytes: Uint8Array): boolean {
  let at = 1
  if (bytes[at] === 1) at += 2 + (bytes[at + 1] ?? 0)
  if (bytes[0] !== 2 || bytes[at] !== 2) return false
  at += 2 + (bytes[at + 1] ?? 0)
  const end = [0, ...END]
  return (
    bytes.length === at + end.length + SIGNATURE && end.every((byte, n) => bytes[at + n] === byte)
  )
}

function withCaveat(macaroon: Uint8Array, text: string): Uint8Array {
  const caveat = encoded(text)
  const signature = hmac(macaroon.slice(-SIGNATURE), caveat)
  const before = macaroon.slice(0, -SIGNATURE - END.length)
  return Uint8Array.from([...before, 2, caveat.length, ...caveat, 0, ...END, ...signature])
}

function bytesOf(base64: string): Uint8Array | null {
  try {
    const text = atob(base64.replaceAll('-', '+').replaceAll('_', '/'))
    return Uint8Array.from(text, (character) => character.charCodeAt(0))
  } catch {
    return null
  }
}

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text)

const hexOf = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
