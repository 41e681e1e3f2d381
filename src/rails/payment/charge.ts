import type { InvoiceRow } from '../../ledger/invoices.ts'
import { floorSat } from '../../money/msat.ts'
import { canonicalJson, objectOf, readJsonObject, writeBase64url } from './canonical.ts'
import { type Challenge, challengeId, UNUSED } from './challenge.ts'

/** What a challenge of this gate charges: one Lightning invoice (draft-lightning-charge). */
export interface Charge {
  /** The payment hash of the invoice, 64 hex digits. */
  readonly hash: string
  /** Of a shared invoice: the token id of the copy that this client was shown. */
  readonly tokenId: string | null
  /** ms since the epoch. */
  readonly expires: number
}

/** By the beginning of an invoice (BOLT 11): the networks that the draft knows. */
const NETWORKS: readonly (readonly [RegExp, string])[] = [
  [/^lnbcrt/i, 'regtest'],
  [/^lnbc/i, 'mainnet'],
  [/^lntbs/i, 'signet'],
]

/**
 * The challenge that charges this invoice. Null if the draft has no name for its network. Without
 * digest, opaque and description: fetch402 and 402-mcp do not send them back.
 */
export function challengeOf(
  { hash, bolt11, amount, expiresAt }: InvoiceRow,
  made: { readonly key: Uint8Array; readonly realm: string; readonly tokenId: string | null },
): Challenge | null {
  const network = NETWORKS.find(([begins]) => begins.test(bolt11))?.[1]
  if (network === undefined) return null
  const { key, realm, tokenId } = made
  const request = canonicalJson({
    amount: `${floorSat(amount)}`,
    currency: 'sat',
    // Binds the challenge to the macaroon of this copy, so that both buy the same pass.
    ...(tokenId === null ? {} : { externalId: tokenId }),
    methodDetails: { invoice: bolt11, network, paymentHash: hash },
  })
  const slots = {
    ...{ realm, method: 'lightning', intent: 'charge', ...UNUSED },
    ...{ request: writeBase64url(request), expires: rfc3339(expiresAt) },
  }
  return { id: challengeId(key, slots), ...slots }
}

/** What a challenge of this gate charges. Null if this gate never made one like it. */
export function chargeIn({ request, expires }: Challenge): Charge | null {
  const read = readJsonObject(request)
  const hash = objectOf(read?.methodDetails)?.paymentHash
  const tokenId = read?.externalId ?? null
  if (typeof hash !== 'string' || (tokenId !== null && typeof tokenId !== 'string')) return null
  return { hash, tokenId, expires: Date.parse(expires) }
}

/** A time of RFC 3339, in whole seconds and never later than `ms`, which is since the epoch. */
export const rfc3339 = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z')
