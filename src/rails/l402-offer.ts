import { floorSat } from '../money/msat.ts'
import type { IssuedInvoice, Offer } from './rail.ts'

/** The fixed texts of an offer. They are made once, because thousands of 402s are made a second. */
const HOW_TO_PAY =
  'Pay l402.invoice: that gives you its preimage, 64 hex digits. The pass is l402.macaroon, a colon and the preimage. Send this request again with the header "Authorization: Bearer <macaroon>:<preimage>"; L402 instead of Bearer is good too. If your wallet shows no preimage, GET payment_url until it says paid: its preimage or token_suffix is the second half of the pass.'
const HOW_TO_PAY_SHARED =
  'Pay l402.invoice with a wallet that shows the preimage, 64 hex digits. The pass is l402.macaroon, a colon and the preimage. Send this request again with the header "Authorization: Bearer <macaroon>:<preimage>"; L402 instead of Bearer is good too. This invoice has no payment page, because too many unpaid invoices are open. If your wallet shows no preimage, do not pay it: send this request again in a minute.'
const SAY_SHARED =
  'Pay the invoice in this answer with a wallet that shows the preimage, then send the same request with <macaroon>:<preimage> as the key.'

/**
 * Macaroon and invoice come first and adjacent, because clients read them with a regular
 * expression.
 */
export function offerOf(issued: IssuedInvoice, origin: string): Offer {
  const { macaroon, row, paymentUrl, statusToken: token } = issued
  const { bolt11 } = row
  const sats = floorSat(row.amount)
  const payAt = `${origin}${paymentUrl}`
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
      ...(paymentUrl === null ? {} : { pay_at: payAt }),
    },
    accepts: [],
    say:
      paymentUrl === null
        ? SAY_SHARED
        : `Pay at ${payAt} or the invoice in this answer, then send the same request with the pass that it buys, <macaroon>:<preimage>, as the key.`,
    howToPay: paymentUrl === null ? HOW_TO_PAY_SHARED : HOW_TO_PAY,
  }
}
