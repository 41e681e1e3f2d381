import { isLoopback } from '../../../floor/address.ts'

/**
 * The one spelling of a mint's address, so that two spellings are never two mints (threats E1, NUT-00).
 * https anywhere; http only on this machine and to onion services. Null for anything else: user or
 * password, query, fragment, white space, a dot at the end of the host.
 */
export function normalMintUrl(text: string): string | null {
  if (text.length > LONGEST || /[\s\\?#]/.test(text)) return null
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return null
  const plain = url.protocol === 'http:' && (isLoopback(url.hostname) || ONION.test(url.hostname))
  if (url.protocol !== 'https:' && !plain) return null
  const path = url.pathname.replace(/\/+$/, '')
  if (url.hostname.endsWith('.') || path.includes('//')) return null
  // The parser has made the host lower case and left out a port that goes without saying.
  return `${url.protocol}//${url.host}${path}`
}

const LONGEST = 500
const ONION = /^[a-z2-7]{56}\.onion$/
