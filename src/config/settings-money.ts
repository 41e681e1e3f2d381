import { parseUsdPerBtc } from '../money/parse.ts'
import { modelPrices, price } from './read-price.ts'
import { certificate, secretMacaroon } from './read-secret.ts'
import { DEFAULT_MINTS, lightningAddress, mintUrl, walletKind } from './read-wallet.ts'
import {
  anything,
  anyUrl,
  baseUrl,
  duration,
  flag,
  listOf,
  oneOf,
  scalar,
  textOf,
  wholeNumber,
} from './reader.ts'
import { noEffectYet, setting } from './setting.ts'

const MOST_TOKENS = 10_000_000
/** What `POST /create-invoice` gives at most, so what an offer may ask at most. */
const MOST_INVOICE_SAT = 10_000_000

/** What tokens cost, and in which money that is said. */
export const PRICING = {
  'pricing.default': setting({
    read: price,
    standard: '1',
    example: '1/3',
    doc: 'Sats per 1,000 tokens for every model without a price of its own: `1`, `1/3` (input/output), `{ input, output, cached, request }`, `{ usdPerMillion: { input, output, cached } }`, `free` or `refuse`',
    flag: { name: '--price', kind: 'text', value: 'PRICE' },
    structured: true,
  }),
  'pricing.models': setting({
    read: modelPrices,
    standard: '{}',
    example: '{ llama3: 1, deepseek-*: 2/8 }',
    doc: 'Prices by model name; `*` stands for any text, the most specific name wins',
    flag: { name: '--model-price', kind: 'pair', value: 'NAME=PRICE' },
    structured: true,
  }),
  'pricing.maxOutputTokens': setting({
    read: wholeNumber(1, MOST_TOKENS),
    standard: '2048',
    example: '2048',
    doc: 'Written into the request where the buyer names no limit',
  }),
  'pricing.rate.source': setting({
    read: oneOf('coinbase'),
    standard: null,
    example: 'coinbase',
    doc: 'Who says what a bitcoin costs, for prices in dollars: coinbase. Asked only where a price is in dollars',
  }),
  'pricing.rate.url': setting({
    read: anyUrl,
    standard: null,
    example: 'https://mempool.space/api/v1/prices',
    doc: 'Asked instead of Coinbase',
  }),
  'pricing.rate.second': setting({
    read: anyUrl,
    standard: null,
    example: 'https://mempool.space/api/v1/prices',
    doc: 'Has to confirm a rate that jumps by more than a tenth; unset: such a rate is held back',
  }),
  'pricing.rate.maxAge': setting({
    read: duration,
    standard: '10m',
    example: '10m',
    doc: 'A rate older than this is not used: models in dollars answer 503',
  }),
  'pricing.rate.usdPerBtc': setting({
    read: scalar(parseUsdPerBtc),
    standard: null,
    example: '90000',
    doc: 'A rate of your own, so that nobody is asked',
  }),
}

/** Where money lands, how it comes in, and what is given away. */
export const MONEY = {
  'wallet.kind': setting({
    read: walletKind,
    standard: null,
    example: 'lnd',
    doc: 'Where sats land: ecash (coins of a mint, kept in the data folder), lnd or play (play money). `wallet: lnd` is short for it. Unset: the Lightning address of `payout` where its provider tells of payments (LUD-21), else ecash',
    flag: { name: '--wallet', kind: 'text', value: 'KIND' },
  }),
  'wallet.url': setting({
    read: baseUrl,
    standard: null,
    example: 'https://localhost:8080',
    doc: 'The REST address of the node',
  }),
  'wallet.key': setting({
    read: secretMacaroon,
    standard: null,
    example: '{ file: invoice.macaroon }',
    doc: 'Its macaroon: a file, or hex in an environment variable. The invoice macaroon is enough',
    secret: true,
  }),
  'wallet.tlsCert': setting({
    read: certificate,
    standard: null,
    example: 'tls.cert',
    doc: 'The certificate that the node signed for itself, as a PEM file',
  }),
  'wallet.mints': setting({
    read: listOf(mintUrl),
    standard: DEFAULT_MINTS,
    example: '[https://mint.example.com]',
    doc: 'Mints of the ecash wallet, tried in this order. A mint holds what it was paid until it is sent on: choose whom to trust',
    structured: true,
  }),
  'wallet.payoutAbove': setting({
    read: wholeNumber(1, 2_100_000_000_000),
    standard: '20000',
    example: '20000',
    doc: 'Sats in the ecash wallet above which they are sent on to `payout`',
  }),
  'wallet.maxPerMint': setting({
    read: wholeNumber(1, 2_100_000_000_000),
    standard: '200000',
    example: '200000',
    doc: 'Sats that one mint may hold at most: above it the next mint is asked for invoices',
  }),
  payout: setting({
    read: lightningAddress,
    standard: null,
    example: 'you@example.com',
    doc: 'The Lightning address that earnings go to: straight to it where its provider tells of payments (LUD-21), else from the ecash wallet, a small sum first',
    flag: { name: '--payout', kind: 'text', value: 'ADDRESS' },
  }),
  'rails.l402': setting({
    read: flag,
    standard: 'true',
    example: 'true',
    doc: 'Whether a 402 offers to be paid over Lightning',
  }),
  'rails.cashu.mints': setting({
    read: listOf(anyUrl),
    standard: null,
    example: '[https://mint.example.com]',
    doc: 'Mints whose ecash is taken',
    structured: true,
    later: noEffectYet,
  }),
  'rails.x402.payTo': setting({
    read: textOf,
    standard: null,
    example: '"0x…"',
    doc: 'The address that dollars are paid to',
    later: noEffectYet,
  }),
  'rails.x402.network': setting({
    read: textOf,
    standard: null,
    example: 'base',
    doc: 'The network of that address',
    later: noEffectYet,
  }),
  'rails.x402.facilitator': setting({
    read: anyUrl,
    standard: null,
    example: 'https://facilitator.example.com',
    doc: 'Who settles those payments',
    later: noEffectYet,
  }),
  'rails.payment': setting({
    read: flag,
    standard: null,
    example: 'false',
    doc: 'Whether a 402 offers the Payment scheme as well',
    later: noEffectYet,
  }),
  'credit.invoice.min': setting({
    read: wholeNumber(1, MOST_INVOICE_SAT),
    standard: '10',
    example: '10',
    doc: 'Sats that a 402 asks for at least',
  }),
  'credit.invoice.max': setting({
    read: wholeNumber(1, MOST_INVOICE_SAT),
    standard: '1000',
    example: '1000',
    doc: 'Sats that a 402 asks for at most; `POST /create-invoice` may ask for more',
  }),
  'credit.tiers': setting({
    read: anything,
    standard: null,
    example: '[{ amountSats: 10000, creditSats: 11000 }]',
    doc: 'Credit that is more than what was paid',
    structured: true,
    later: noEffectYet,
  }),
  'freeTier.creditsPerDay': setting({
    read: wholeNumber(0, 1_000_000_000),
    standard: null,
    example: '250',
    doc: 'Sats that every client may use up for nothing each day',
    flag: { name: '--free', kind: 'text', value: 'SATS' },
    later: noEffectYet,
  }),
}
