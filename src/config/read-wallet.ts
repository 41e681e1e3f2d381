import { isLoopback, isOnion } from '../floor/address.ts'
import { nearest } from '../floor/nearest.ts'
import { fitting, type Reader, scalar } from './reader.ts'

const HERE = ['ecash', 'play', 'lnd'] as const
const LATER = ['phoenixd', 'cln', 'lnbits', 'nwc']

/** The wallets of this version. One that is to come is refused by name: money has to land somewhere. */
export const walletKind: Reader<(typeof HERE)[number]> = scalar((text) => {
  const kind = HERE.find((name) => name === text)
  if (kind !== undefined) return { ok: true, value: kind }
  if (LATER.includes(text)) {
    return {
      ok: false,
      error: 'is not in this version yet; choose ecash, lnd or play (play money)',
    }
  }
  const near = nearest(text, HERE)
  const meant = near === null ? 'choose ecash, lnd or play (play money)' : `did you mean ${near}?`
  return { ok: false, error: `is not a wallet; ${meant}` }
})

/**
 * Where invoices come from while nothing is configured, tried in this order: mints that have run for
 * long, take Lightning and ask for no account. An operator's own list replaces them.
 */
export const DEFAULT_MINTS = '["https://mint.minibits.cash/Bitcoin", "https://mint.coinos.io"]'

/** A mint's address: https, or http on this machine and on .onion. Nobody in between may see coins. */
export const mintUrl: Reader<string> = fitting('the https:// URL of a mint', (text) => {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return null
  if (url.search !== '' || url.hash !== '') return null
  const near = isLoopback(url.hostname) || isOnion(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && near)) return null
  return url.href.replace(/\/+$/, '')
})

/** `you@example.com` (LUD-16). That it can be paid is seen when it is asked. */
export const lightningAddress: Reader<string> = fitting('a Lightning address', (text) =>
  /^[a-z0-9._+-]+@[a-z0-9.-]+(?::\d{1,5})?$/i.test(text) ? text.toLowerCase() : null,
)
