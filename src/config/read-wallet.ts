import { isLoopback, isOnion } from '../floor/address.ts'
import { nearest } from '../floor/nearest.ts'
import { KINDS, kindOf } from '../wallets/kinds.ts'
import { secretLine, secretMacaroon } from './read-secret.ts'
import { anyOf, fitting, type Reader, scalar } from './reader.ts'
import type { Secret } from './secret.ts'

/** The name of a wallet that this version has. */
export const walletKind: Reader<string> = scalar((text) => {
  const names = KINDS.map(({ kind }) => kind)
  if (names.includes(text)) return { ok: true, value: text }
  const choose = `choose ${anyOf(KINDS.map(({ named }) => named.message))}`
  const near = nearest(text, names)
  const meant = near === null ? choose : `did you mean ${near}?`
  return { ok: false, error: `is not a wallet; ${meant}` }
})

/** The secret of a wallet, in the form that its kind has. */
export const walletKey: Reader<Secret> = (node, reading) =>
  (kindOf(reading.walletKind ?? '')?.key === 'text' ? secretLine : secretMacaroon)(node, reading)

/**
 * Where invoices come from while nothing is configured, tried in this order: mints that have run
 * for long, take Lightning and ask for no account. An operator's own list replaces them.
 */
export const DEFAULT_MINTS = '["https://mint.minibits.cash/Bitcoin", "https://mint.coinos.io"]'

/**
 * The address of a mint: https, or http on this machine and for .onion. On other connections
 * somebody could read the coins.
 */
export const mintUrl: Reader<string> = fitting('the https:// URL of a mint', (text) => {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return null
  if (url.search !== '' || url.hash !== '') return null
  const near = isLoopback(url.hostname) || isOnion(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && near)) return null
  return url.href.replace(/\/+$/, '')
})

/** `you@example.com` (LUD-16). Whether it can be paid is found out when it is asked. */
export const lightningAddress: Reader<string> = fitting('a Lightning address', (text) =>
  /^[a-z0-9._+-]+@[a-z0-9.-]+(?::\d{1,5})?$/i.test(text) ? text.toLowerCase() : null,
)
