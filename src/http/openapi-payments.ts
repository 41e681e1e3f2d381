import { header } from './openapi-header.ts'
import type { Selling, Terms } from './selling.ts'

/** What `/openapi.json` says of the ways to pay. It names a header or a scheme only if its rail is on. */

type Methods = Pick<Terms, 'methods'>
type Headers = Readonly<Record<string, object>>

const CASHU = {
  type: 'apiKey',
  in: 'header',
  name: 'X-Cashu',
  description:
    'A Cashu token (NUT-24): cashuB…. The pass for what is left of it is in X-Satgate-Pass of the answer.',
}
const X402 = {
  type: 'apiKey',
  in: 'header',
  name: 'PAYMENT-SIGNATURE',
  description:
    'A payment of x402 version 2, for an offer of PAYMENT-REQUIRED. The pass for what is left of it is in X-Satgate-Pass of the answer.',
}
const X402_V1 = {
  type: 'apiKey',
  in: 'header',
  name: 'X-PAYMENT',
  description: 'A payment of x402 version 1, for an entry of `accepts` in the 402.',
}
const PAYMENT = {
  type: 'http',
  scheme: 'Payment',
  description:
    'Authorization: Payment <credential>, for a challenge of the 402 (draft-httpauth-payment). The pass for what is left is in X-Satgate-Pass of the answer.',
}

/** What a payment itself is sent in, for the rails where it opens the request. */
export function paymentSchemes({ methods }: Methods): Readonly<Record<string, object>> {
  return {
    ...(methods.includes('cashu') ? { cashu: CASHU } : {}),
    ...(methods.includes('x402') ? { x402: X402, x402v1: X402_V1 } : {}),
    ...(methods.includes('payment') ? { payment: PAYMENT } : {}),
  }
}

/**
 * What the Payment scheme asks for. The amount is null, because the price depends on the model and the
 * tokens. Other ways to pay are no offers of that scheme: they are in `x-satgate` and in the 402.
 */
export function paymentInfo({ acceptingPayments, rails }: Selling): unknown {
  const up = acceptingPayments && rails.some((rail) => rail.name === 'payment' && rail.up)
  return {
    offers: [
      {
        ...{ intent: 'charge', method: 'lightning', amount: null, currency: 'sat' },
        ...(up ? {} : { description: 'No payment can be taken at the moment.' }),
      },
    ],
  }
}

/** The headers of an offer, by the rail that makes it. */
const OFFERS: Readonly<Record<string, Headers>> = {
  l402: {
    'WWW-Authenticate': header(
      'L402 macaroon="…", invoice="…", and a line of its own for each other scheme. Not where nothing is to be bought.',
    ),
  },
  payment: {
    'WWW-Authenticate': header(
      'Payment id="…", realm="…", method="lightning", intent="charge", request="…" (draft-httpauth-payment), behind the line of L402 where that is on. Not where nothing is to be bought.',
    ),
  },
  cashu: { 'X-Cashu': header('A request for ecash (NUT-18). Only while tokens can be taken.') },
  x402: {
    'PAYMENT-REQUIRED': header(
      'What x402 version 2 asks for, as JSON in base64. Only while dollars can be taken.',
    ),
  },
}
/** The headers of an answer that was paid for by a payment, by its rail. */
const RECEIPTS: Readonly<Record<string, Headers>> = {
  x402: {
    'PAYMENT-RESPONSE': header('The transaction of a payment by PAYMENT-SIGNATURE.'),
    'X-PAYMENT-RESPONSE': header('The transaction of a payment by X-PAYMENT.'),
  },
  payment: { 'Payment-Receipt': header('The receipt of a charge (draft-httpauth-payment).') },
  cashu: {
    'X-Cashu': header('What a token of X-Cashu did not cost, if the answer is in one piece.'),
  },
}
/** Of the rails that are on. L402 describes the header that it shares with Payment. */
const headersOf = (of: Readonly<Record<string, Headers>>, { methods }: Methods): Headers =>
  Object.assign({}, ...[...methods].sort((a, b) => order(a) - order(b)).map((name) => of[name]))
const order = (name: string): number => (name === 'l402' ? 1 : 0)

/** The headers of a 402 with an offer. */
export const offerHeaders = (terms: Methods): Headers => headersOf(OFFERS, terms)

const BOUGHT = {
  'X-Satgate-Pass': header(
    'The pass for what is left, with the first answer to a payment. It comes once: keep it.',
  ),
}

/** The headers of an answer that a payment bought. */
export const receiptHeaders = (terms: Pick<Terms, 'methods' | 'sells'>): Headers =>
  terms.sells ? { ...BOUGHT, ...headersOf(RECEIPTS, terms) } : {}
