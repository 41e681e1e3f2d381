import { floorSat } from '../money/msat.ts'
import type { IssuedInvoice } from './lightning/invoicing.ts'
import { SAME } from './lightning/same-invoice.ts'
import type { Offer } from './rail.ts'

/** What is said of keys in settings, wherever a pass is explained (threats L14). */
const SPENDING_KEY =
  'For the settings of an app, make a spending key of it first, satgate pass narrow "$PASS" "only = spend": whoever reads the settings can spend, and cannot take money out.'

/** The fixed texts of an offer. They are made once, because thousands of 402s are made a second. */
const HOW_TO_PAY = `Pay l402.invoice: that gives you its preimage, 64 hex digits. The pass is l402.macaroon, a colon and the preimage. Send this request again with the header "Authorization: Bearer <macaroon>:<preimage>"; L402 instead of Bearer is good too. If your wallet shows no preimage, GET payment_url until it says paid: its preimage or token_suffix is the second half of the pass. ${SPENDING_KEY}`
const HOW_TO_PAY_SHARED =
  'Pay l402.invoice with a wallet that shows the preimage, 64 hex digits. The pass is l402.macaroon, a colon and the preimage. Send this request again with the header "Authorization: Bearer <macaroon>:<preimage>"; L402 instead of Bearer is good too. This invoice has no payment page, because too many unpaid invoices are open. If your wallet shows no preimage, do not pay it: send this request again in a minute.'
const SAY_SHARED =
  'Pay the invoice in this answer with a wallet that shows the preimage, then send the same request with <macaroon>:<preimage> as the key.'

const HOW_TO_TOP_UP =
  'Pay l402.invoice: it tops up the account of the key in this request. Then send this request again with the same key. GET payment_url says when it is paid.'

/** Offers the invoice of an unpaid key again. */
export const offerOfSame = (issued: IssuedInvoice): Offer => ({
  challenges: challengesOf(issued),
  headers: NO_HEADERS,
  body: bodyOf(issued, {}, {}),
  accepts: NOTHING,
  ...SAME,
})

/** The offer of an invoice, which its client reaches at that origin. */
export function offerOf(issued: IssuedInvoice, origin: string): Offer {
  const { macaroon, paymentUrl, statusToken: token } = issued
  if (paymentUrl === null) return new SharedOffer(issued)
  const payAt = `${origin}${paymentUrl}`
  const page = { payment_url: paymentUrl }
  return {
    challenges: challengesOf(issued),
    headers: {},
    body: {
      ...bodyOf(issued, token === null ? page : { ...page, status_token: token }, page),
      pay_at: payAt,
    },
    accepts: [],
    say:
      macaroon === null
        ? `Pay at ${payAt} or the invoice in this answer: it tops up the account of this key. Then send the same request with the same key.`
        : `Pay at ${payAt} or the invoice in this answer, then send the same request with the pass that it buys, <macaroon>:<preimage>, as the key.`,
    howToPay: macaroon === null ? HOW_TO_TOP_UP : HOW_TO_PAY,
  }
}

/** Shows one client a shared invoice. Only the macaroon differs from what others are shown. */
class SharedOffer implements Offer {
  readonly challenges: readonly string[]
  readonly headers = NO_HEADERS
  readonly accepts = NOTHING
  readonly say = SAY_SHARED
  readonly howToPay = HOW_TO_PAY_SHARED
  readonly copy: Offer['copy']
  readonly #issued: IssuedInvoice

  constructor(issued: IssuedInvoice) {
    const { macaroon, row } = issued
    this.#issued = issued
    this.challenges = challengesOf(issued)
    this.copy = macaroon === null ? undefined : { of: row, own: macaroon }
  }

  /** Made only if it is asked for: most copies get the body of the first one. */
  get body(): Offer['body'] {
    return bodyOf(this.#issued, {}, {})
  }
}

const NO_HEADERS: Offer['headers'] = {}
const NOTHING: readonly unknown[] = []

const challengesOf = ({ macaroon, row }: IssuedInvoice): readonly string[] =>
  macaroon === null
    ? []
    : [`L402 macaroon="${macaroon}", invoice="${row.bolt11}", version="0", token="${macaroon}"`]

/**
 * Macaroon and invoice come first and adjacent, because clients read them with a regular
 * expression.
 */
function bodyOf(
  { macaroon, row }: IssuedInvoice,
  within: Readonly<Record<string, string>>,
  beside: Readonly<Record<string, string>>,
): Offer['body'] {
  const sats = floorSat(row.amount)
  return {
    l402: {
      scheme: 'L402',
      description: `${sats} sat of credit`,
      invoice: row.bolt11,
      macaroon,
      payment_hash: row.hash,
      amount_sats: sats,
      ...within,
    },
    ...beside,
    amount_sats: sats,
    payment_hash: row.hash,
  }
}
