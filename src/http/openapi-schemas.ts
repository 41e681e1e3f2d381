import type { Dialect, Envelope } from '../dialects/dialect.ts'
import { flag, list, object, ref, type Schema, text, whole } from '../floor/json-schema.ts'
import { COUNT_TOKENS_SCHEMAS } from './count-tokens-operations.ts'
import { OLLAMA_SCHEMAS } from './ollama-operations.ts'
import { CASHU_OFFER, OFFER, REDEEM_ASK, REDEEMED, X402_RESOURCES } from './openapi-offers.ts'

/** JSON Schemas of what the gate itself reads and answers, and those of its dialects. */

const TIER = object(['amountSats', 'creditSats'], { amountSats: whole(), creditSats: whole() })

/** The fields that a 402 with an offer has beside the error. */
const OFFERED: Readonly<Record<string, Schema>> = {
  l402: ref('Offer'),
  cashu: CASHU_OFFER,
  reason: text('Why a payment was not taken: token_spent, token_partly_spent.'),
  payment_url: text('A path: the state of the invoice. Not for a shared one.'),
  pay_at: text('The same as a whole link, for people.'),
  payment_state: {
    ...text('What became of the payment for the key of the request.'),
    enum: [
      ...['none', 'unpaid', 'used_up', 'elsewhere', 'unknown', 'revoked', 'expired'],
      ...['wrong_secret', 'damaged', 'not_understood'],
    ],
  },
  pass_format: text(
    'What the key is made of: the macaroon of this answer and the preimage, or the key of the request.',
  ),
  how_to_pay: text('In words.'),
  llms_txt: text('A link: how to use this API.'),
  amount_sats: whole(),
  payment_hash: text(),
  credit_tiers: { ...list(ref('CreditTier')), minItems: 1 },
  x402Version: whole(),
  accepts: {
    ...{ type: 'array' },
    description: 'What x402 version 1 asks for. Empty where no dollars are taken.',
  },
}

/** The two schemas of an envelope: of an error, and of a 402 with an offer. */
const errorSchema = ({ schema }: Envelope): Schema => object(Object.keys(schema), schema)
const paymentRequired = ({ name }: Envelope): Schema => ({
  allOf: [ref(`${name}Error`), ref('Offered')],
})

const PRICE = object(['unit', 'input', 'cached', 'output', 'request'], {
  unit: { const: 'sats per 1,000 tokens' },
  ...Object.fromEntries(
    ['input', 'cached', 'cacheWrite', 'output'].map((name) => [name, { type: ['number', 'null'] }]),
  ),
  request: { type: 'number', description: 'Sats for each request.' },
  image: { type: 'number', description: 'Sats for each image, or second, character, byte.' },
  images: { type: 'object', additionalProperties: { type: 'number' } },
  ...Object.fromEntries(['second', 'character', 'byte'].map((name) => [name, { type: 'number' }])),
})

const MODEL = object(['id', 'object', 'pricing'], {
  id: text(),
  object: text(),
  pricing: ref('Price'),
})

const SOURCES = list(
  object(['source', 'sats'], {
    source: text('The wallet or the mint that has the sats.'),
    sats: whole('With the fee.'),
    invoice_sats: whole('The most that an invoice may ask for. Not where no invoice can be paid.'),
  }),
)

const BALANCE = object(['account', 'balance_msat', 'held_msat', 'available_msat', 'balance_sats'], {
  account: text('A short name of the account, not the pass.'),
  balance_msat: whole(),
  held_msat: whole('Set aside for requests that are running.'),
  owed_msat: whole('Still to be taken, as running requests close.'),
  available_msat: whole(),
  balance_sats: whole('Rounded down.'),
  paid_msat: whole(),
  bonus_msat: whole(),
  narrowed: { const: true, description: 'The pass has limits of its own.' },
  withdrawable_msat: whole('Of a root pass: what may leave, with the fees.'),
  withdrawable: ref('Sources'),
})

const WITHDRAW_ASK: Schema = {
  ...object([], {
    invoice: text('BOLT11, with an amount. Or `ecash`, and not both.'),
    ecash: { const: true },
    amount_sats: {
      ...{ type: 'integer', minimum: 1 },
      description: 'Of the token. Left out: everything that may leave of one mint.',
    },
    mint: text('Left out: the mint of which most may leave.'),
  }),
  additionalProperties: false,
  oneOf: [{ required: ['invoice'] }, { required: ['ecash'] }],
}

const WITHDRAWAL = object(
  ['id', 'state', 'kind', 'source', 'amount_sats', 'amount_msat', 'fee_msat', 'balance_msat'],
  {
    id: text(),
    state: { enum: ['paid', 'pending'] },
    kind: { enum: ['lightning', 'ecash', 'change'] },
    source: text(),
    amount_sats: whole('What its receiver gets, rounded down.'),
    amount_msat: whole(),
    fee_msat: whole('While it is pending: the most that it may cost.'),
    token: text('Whoever has it has the sats.'),
    mint: text(),
    balance_msat: whole(),
    withdrawable: ref('Sources'),
  },
)

const CHARGE = object(['id', 'created', 'charged_msat'], {
  id: text(),
  created: whole('Seconds since 1970.'),
  model: { type: ['string', 'null'] },
  end: text(),
  usage: text(),
  prompt_tokens: whole(),
  completion_tokens: whole(),
  held_msat: whole(),
  charged_msat: whole(),
  owed_msat: whole('Still to be taken, as running requests close.'),
  charged_usd_micros: whole('The part that dollars paid, in millionths of a dollar.'),
  usd_per_btc: text(),
})

const INVOICE_ASK = (mostSats: number): Schema => ({
  ...object([], {
    amountSats: { type: 'integer', minimum: 1, maximum: mostSats, default: 1000 },
    caveats: {
      ...list({ type: 'string' }),
      examples: [['expires = 2030-01-01T00:00:00Z', 'spend <= 100 / day']],
    },
  }),
  additionalProperties: false,
})

const INVOICE = object(
  [
    ...['bolt11', 'invoice', 'payment_hash', 'payment_url', 'pay_at'],
    ...['amount_sats', 'credit_sats', 'expires_at'],
  ],
  {
    bolt11: text(),
    invoice: text('The same as bolt11.'),
    payment_hash: text(),
    payment_url: { type: ['string', 'null'], description: 'A path of this server.' },
    pay_at: { type: ['string', 'null'], description: 'The same as a whole link, for people.' },
    amount_sats: whole(),
    credit_sats: whole(),
    macaroon: text('Not for a narrowed pass: that one is topped up.'),
    expires_at: { type: 'string', format: 'date-time' },
    qr_svg: text('A picture of the invoice, where it was asked for by ?qr=svg.'),
  },
)

const INVOICE_STATUS = object(['paid'], {
  paid: flag,
  bolt11: text(),
  amount_sats: whole(),
  expires_at: { type: 'string', format: 'date-time' },
  macaroon: text(),
  preimage: text(),
  token_suffix: text('Good as the secret of the pass where there is no preimage.'),
})

const OK_OR = (...others: readonly string[]): Schema => ({ enum: ['ok', ...others] })

const HEALTH = object(['status', 'upstream', 'wallet', 'ledger'], {
  status: OK_OR('degraded'),
  upstream: OK_OR('unreachable'),
  wallet: OK_OR('unreachable', 'none'),
  cashu: OK_OR('unreachable'),
  x402: OK_OR('unreachable'),
  ledger: OK_OR('late', 'damaged'),
  reason: text('Why nothing is sold, where the model server is gone.'),
})

/** A list of names if there are few. Otherwise some examples, and other names are valid too. */
const modelName = (ids: readonly string[], few: number): Schema => {
  if (ids.length === 0) return { type: 'string' }
  const distinct = [...new Set(ids)]
  return distinct.length <= few
    ? { type: 'string', enum: distinct }
    : { type: 'string', examples: short(distinct.slice(0, few)) }
}

/** The first of these texts that have 1,000 characters together. */
function short(texts: readonly string[]): readonly string[] {
  let left = 1_000
  return texts.filter((one) => {
    left -= one.length
    return left >= 0
  })
}

/**
 * `components.schemas`, without the requests and answers of what is sold. `few` is the most model
 * names that are listed, `mostSats` the largest invoice.
 */
export const schemas = (about: {
  readonly models: readonly string[]
  readonly few: number
  readonly mostSats: number
  /** Of these, the parts that their own schemas refer to. */
  readonly dialects: readonly Pick<Dialect, 'docs'>[]
  /** All envelopes of errors, the usual one first. */
  readonly envelopes: readonly Envelope[]
}): Readonly<Record<string, Schema>> => ({
  ...Object.assign({}, ...about.envelopes.map(({ parts }) => parts)),
  ...Object.fromEntries(about.envelopes.map((one) => [`${one.name}Error`, errorSchema(one)])),
  CreditTier: TIER,
  Offered: object(['credit_tiers', 'x402Version', 'accepts'], OFFERED),
  Offer: OFFER,
  ...Object.fromEntries(
    about.envelopes.map((one) => [`${one.name}PaymentRequired`, paymentRequired(one)]),
  ),
  ModelName: modelName(about.models, about.few),
  ...Object.assign(
    {},
    ...about.dialects.flatMap(({ docs }) => [docs.request.parts, docs.answer.parts]),
  ),
  Price: PRICE,
  Model: MODEL,
  ModelList: object(['object', 'data'], { object: { const: 'list' }, data: list(ref('Model')) }),
  Sources: SOURCES,
  Balance: BALANCE,
  Charge: CHARGE,
  ChargeList: object(['data', 'has_more'], {
    data: list(ref('Charge')),
    has_more: flag,
    complete_since: whole('Unix time. Charges before it are not listed one by one any more.'),
  }),
  RedeemRequest: REDEEM_ASK,
  Redeemed: REDEEMED,
  InvoiceRequest: INVOICE_ASK(about.mostSats),
  Invoice: INVOICE,
  InvoiceStatus: INVOICE_STATUS,
  RotatedPass: object(['pass'], {
    pass: text('<macaroon>:<secret>. It is told this once: keep it before you use it.'),
  }),
  RevokeRequest: {
    ...object([], {
      pass: text('The macaroon of a pass that was made from the one of the request.'),
      yes: { ...flag, description: 'End a root pass although its account has credit.' },
    }),
    additionalProperties: false,
  },
  RevokedPass: object(['revoked'], {
    revoked: { const: true },
    balance_msat: whole('Credit that the ended root pass could still spend.'),
  }),
  WithdrawRequest: WITHDRAW_ASK,
  Withdrawal: WITHDRAWAL,
  Health: HEALTH,
  Description: object(['version', 'name', 'pricing', 'endpoints', 'payment', 'capabilities'], {
    version: { const: 1 },
    accepting_payments: flag,
    pricing: { type: 'object' },
    endpoints: list({ type: 'object' }),
  }),
  X402Resources: X402_RESOURCES,
  ...OLLAMA_SCHEMAS,
  ...COUNT_TOKENS_SCHEMAS,
  OpenApi: object(['openapi', 'info', 'paths'], { openapi: text() }),
})
