const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/
const URL_SAFE = /^[A-Za-z0-9_-]*={0,2}$/

/**
 * Writes base64 in the standard alphabet with padding, which is the only form that every L402
 * client decodes.
 */
export const encodeBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

/**
 * Reads base64 in the standard or the URL-safe alphabet (RFC 4648), with or without padding.
 * Returns null for anything else. The alphabet is checked here, because Node's decoder skips
 * unknown characters.
 */
export function decodeBase64(text: string): Uint8Array | null {
  if (!STANDARD.test(text) && !URL_SAFE.test(text)) return null
  const bare = text.replace(/=+$/, '')
  if (bare.length % 4 === 1) return null
  if (bare.length !== text.length && text.length % 4 !== 0) return null
  return Buffer.from(bare, 'base64')
}
