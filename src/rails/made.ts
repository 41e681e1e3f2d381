import type { InvoiceRow } from '../ledger/invoices.ts'
import { floorSat } from '../money/msat.ts'
import type { Offer } from './rail.ts'

/** An invoice with everything that its one client may know. */
export interface Made {
  readonly row: InvoiceRow
  readonly bolt11: string
  readonly macaroon: string | null
  /** Path and query; null for a shared invoice. */
  readonly paymentUrl: string | null
  readonly statusToken: string | null
}

/** Macaroon and invoice adjacent and first: clients parse it by regular expression. */
export function offerOf(made: Made): Offer {
  const { macaroon, bolt11, row, paymentUrl, statusToken: token } = made
  const sats = floorSat(row.amount)
  const shown = paymentUrl === null ? {} : { payment_url: paymentUrl }
  return {
    challenges:
      macaroon === null
        ? []
        : [`L402 macaroon="${macaroon}", invoice="${bolt11}", version="0", token="${macaroon}"`],
    headers: {},
    body: {
      l402: {
        scheme: 'L402',
        description: `${sats} sat of credit`,
        invoice: bolt11,
        macaroon,
        payment_hash: row.hash,
        amount_sats: sats,
        ...shown,
        ...(token === null ? {} : { status_token: token }),
      },
      ...shown,
      amount_sats: sats,
      payment_hash: row.hash,
    },
    paymentUrl,
  }
}
