import { isLoopback } from '../../../floor/address.ts'

/**
 * Brings the address of a mint to one form, so that two spellings are not two mints (threats E1,
 * NUT-00). http is allowed only on this machine and for onion services. Null for any other text:
 * with a user or password, a query, a fragment, white space, or a dot at the end of the host.
 */
export function normalMintUrl(text: string): string | null {
  if (text.length > LONGEST || /[\s\\?#]/.test(text)) return null
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return null
  const plain = url.protocol === 'http:' && (isLoopback(url.hostname) || ONION.test(url.hostname))
  if (url.protocol !== 'https:' && !plain) return null
  const path = url.pathname.replace(/\/+$/, '')
  if (url.hostname.endsWith('.') || path.includes('//')) return null
  // The parser has turned the host to lower case and left out the default port.
  return `${url.protocol}//${url.host}${path}`
}

const LONGEST = 500
const ONION = /^[a-z2-7]{56}\.onion$/

/** How deposits name this mint as the place where their sats are, and alone leave from (threats L9). */
export const sourceOf = (mintUrl: string): string => `ecash ${mintUrl}`

/** The mint that a source names. Null if it names none. */
export const mintOf = (source: string): string | null =>
  source.startsWith('ecash ') ? source.slice('ecash '.length) : null
