const FOREIGN = /[^A-Za-z0-9+/]/

/**
 * Decodes base64 in the standard alphabet with its padding, without line ends (RFC 4648). Returns
 * null for anything else: decoders of backends disagree about the rest. Linear in the length.
 */
export function base64Bytes(text: string): Buffer | null {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  if (text.length === 0 || text.length % 4 !== 0) return null
  if (FOREIGN.test(padding === 0 ? text : text.slice(0, -padding))) return null
  return Buffer.from(text, 'base64')
}
