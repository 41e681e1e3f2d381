import type { InvoiceRow, Invoices } from '../../ledger/invoices.ts'
import type { Passes, PassRow } from '../../ledger/passes.ts'
import { generationOf, type Revocations } from '../../ledger/revocations.ts'
import { floorSat } from '../../money/msat.ts'
import type { Offer, UnpaidKey, Want } from '../rail.ts'
import type { IssuedInvoice } from './invoicing.ts'

export interface SameInvoiceParts {
  readonly invoices: Pick<Invoices, 'get'>
  readonly passes: Pick<Passes, 'get'>
  readonly revocations: Pick<Revocations, 'rotation'>
  /** The macaroon that was offered with that row. Null if there was none. */
  macaroon(pass: PassRow): string | null
  /** Whether this invoice can still be paid for some minutes. */
  isPayable(row: InvoiceRow): boolean
}

/**
 * The invoice that the key of a request was offered with, so that nobody pays two invoices for one
 * pass. It is shown without its secrets: only the macaroon is proved, which other people may have seen.
 * Null if it is not the invoice of exactly this macaroon, if it would not admit the request, or if
 * there is little time left to pay it.
 */
export async function sameInvoice(
  { unpaid, least }: Pick<Want, 'least'> & { readonly unpaid: UnpaidKey },
  parts: SameInvoiceParts,
): Promise<IssuedInvoice | null> {
  const { hash, macaroon } = unpaid
  const [row, pass] = await Promise.all([parts.invoices.get(hash), parts.passes.get(hash)])
  if (row === null || pass === null || row.settledAt !== null || pass.usedAt !== null) return null
  if (pass.generation !== generationOf(parts.revocations, pass.account)) return null
  if (floorSat(row.amount) < least || !parts.isPayable(row)) return null
  // Each client that was shown a shared invoice has a macaroon of its own for it.
  const own = pass.tokenId === null ? unpaid.bare : parts.macaroon(pass) === macaroon
  const { generation } = pass
  return own ? { row, generation, macaroon, paymentUrl: null, statusToken: null } : null
}

/** What is said with it. */
export const SAME: Pick<Offer, 'say' | 'howToPay'> = {
  say: 'Pay the invoice in this answer: it is the one of this key. Then send the same request with <macaroon>:<preimage> as the key.',
  howToPay:
    'Pay l402.invoice, which is the invoice of the key in this request: that gives you its preimage, 64 hex digits. The pass is l402.macaroon, a colon and the preimage. Send this request again with the header "Authorization: Bearer <macaroon>:<preimage>". If your wallet shows no preimage, GET the payment_url that came with this invoice first.',
}
