import { nearest } from './nearest.ts'
import { type Reader, scalar } from './reader.ts'

const HERE = ['play', 'lnd'] as const
const LATER = ['ecash', 'phoenixd', 'cln', 'lnbits', 'nwc']

/** The wallets of this version. One that is to come is refused by name: money has to land somewhere. */
export const walletKind: Reader<(typeof HERE)[number]> = scalar((text) => {
  const kind = HERE.find((name) => name === text)
  if (kind !== undefined) return { ok: true, value: kind }
  if (LATER.includes(text)) {
    return { ok: false, error: 'is not in this version yet; lnd and play (play money) are' }
  }
  const near = nearest(text, HERE)
  const meant = near === null ? 'lnd and play (play money) are' : `did you mean ${near}?`
  return { ok: false, error: `is no wallet; ${meant}` }
})
