import { renderSVG } from 'uqr'
import { floorSat } from '../money/msat.ts'
import type { Made } from '../rails/made.ts'

/** The answer of `POST /create-invoice` (surface 3). `payment_url` is a path. */
export function invoiceBody(made: Made): Readonly<Record<string, unknown>> {
  const { row, bolt11, macaroon, paymentUrl } = made
  const sats = floorSat(row.amount)
  return {
    bolt11,
    payment_hash: row.hash,
    payment_url: paymentUrl,
    amount_sats: sats,
    credit_sats: sats,
    ...(macaroon === null ? {} : { macaroon }),
    expires_at: new Date(row.expiresAt).toISOString(),
    qr_svg: renderSVG(`lightning:${bolt11.toUpperCase()}`, { border: 2 }),
  }
}
