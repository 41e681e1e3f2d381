import { list, object, type Schema, text, whole } from '../floor/json-schema.ts'

/** JSON Schemas of what the rails ask for and take. */

export const OFFER: Schema = object(
  ['scheme', 'invoice', 'macaroon', 'payment_hash', 'amount_sats'],
  {
    scheme: { const: 'L402' },
    description: text(),
    invoice: text('BOLT11. Paying it gives the preimage.'),
    macaroon: { type: ['string', 'null'], description: 'The pass, without its secret.' },
    payment_hash: text(),
    amount_sats: whole(),
    payment_url: text(),
    status_token: text('For whoever got this invoice alone.'),
  },
)

export const CASHU_OFFER: Schema = object(
  ['request', 'request_bech32', 'mints', 'unit', 'amount'],
  {
    request: text('A request for ecash (NUT-18), the same as in the header X-Cashu.'),
    request_bech32: text('The same in bech32m (NUT-26).'),
    mints: list({ type: 'string' }),
    unit: { const: 'sat' },
    amount: whole('Sats that a token has to be worth.'),
  },
)

export const REDEEM_ASK: Schema = {
  ...object(['token'], {
    token: text('cashuA… or cashuB…'),
    paymentHash: text('Of an invoice: the token is for its account.'),
    statusToken: text('Of that invoice.'),
  }),
  additionalProperties: false,
}

export const REDEEMED: Schema = object(['credited'], {
  credited: whole('Sats.'),
  token_suffix: text('What stands behind the colon of the pass.'),
  macaroon: text('What stands before it, if the token opened an account. Only once.'),
  pass: text('Both together.'),
})

/** `/.well-known/x402`. */
export const X402_RESOURCES: Schema = object(
  ['x402Version', 'items', 'pagination', 'version', 'resources'],
  {
    x402Version: { const: 2 },
    items: list(
      object(['resource', 'type', 'x402Version', 'accepts', 'lastUpdated'], {
        resource: text(),
        accepts: { ...list({ type: 'object' }), description: 'Empty while none can be paid.' },
      }),
    ),
    version: { const: 1 },
    resources: list({ type: 'string', format: 'uri' }),
  },
)
