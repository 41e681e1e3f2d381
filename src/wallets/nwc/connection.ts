import { WalletRefused } from '../wallet.ts'
import { isPublicKey } from './curve.ts'

/** A connection string of Nostr Wallet Connect (NIP-47), read. */
export interface Connection {
  /** The public key of the wallet, 64 hex digits. */
  readonly wallet: string
  /** The secret key of this client, 32 bytes. */
  readonly secret: Uint8Array
  /** Where both meet: `wss://…`, at least one. */
  readonly relays: readonly string[]
}

/** More relays only make more calls. */
const MOST_RELAYS = 5

const ASK =
  'give the connection string that your wallet shows for a new app connection: nostr+walletconnect://…?relay=wss://…&secret=…'

/** Reads a connection string. Throws `WalletRefused` with what is wrong in it, and nothing of it. */
export function readConnection(text: string): Connection {
  const url = URL.parse(text.trim())
  if (url === null || !/^nostr\+?walletconnect:$/.test(url.protocol)) {
    throw new WalletRefused(`its key is no connection string: ${ASK}`)
  }
  // Some wallets leave the two slashes out.
  const wallet = (url.hostname || url.pathname).toLowerCase()
  const secret = (url.searchParams.get('secret') ?? '').toLowerCase()
  if (!isKey(wallet) || !isPublicKey(wallet))
    throw new WalletRefused(`its key names no public key of a wallet: ${ASK}`)
  if (!isKey(secret)) throw new WalletRefused(`its key has no secret: ${ASK}`)
  const relays = [...new Set(url.searchParams.getAll('relay'))].filter(isRelay)
  if (relays.length === 0) throw new WalletRefused(`its key names no relay: ${ASK}`)
  return { wallet, secret: Buffer.from(secret, 'hex'), relays: relays.slice(0, MOST_RELAYS) }
}

const isKey = (text: string): boolean => /^[0-9a-f]{64}$/.test(text)

/** What is sent is encrypted, so a relay may be reached without TLS, as one on the same machine is. */
const isRelay = (text: string): boolean => {
  const url = URL.parse(text)
  return url?.protocol === 'wss:' || url?.protocol === 'ws:'
}
