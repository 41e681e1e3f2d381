import { parseUsdPerBtc } from '../money/parse.ts'
import { NETWORKS } from '../rails/x402/networks.ts'
import { KINDS } from '../wallets/kinds.ts'
import { facilitator } from './read-facilitator.ts'
import { modelPrices, price } from './read-price.ts'
import { certificate } from './read-secret.ts'
import { tiers } from './read-tiers.ts'
import { DEFAULT_MINTS, lightningAddress, mintUrl, walletKey, walletKind } from './read-wallet.ts'
import { dollarNetwork, dollars, evmAddress } from './read-x402.ts'
import {
  anyOf,
  anyUrl,
  baseUrl,
  duration,
  flag,
  listOf,
  oneOf,
  scalar,
  wholeNumber,
} from './reader.ts'
import { noEffectYet, setting } from './setting.ts'

const MOST_TOKENS = 10_000_000
/** The largest invoice that `POST /create-invoice` makes, and so the largest one in a 402. */
const MOST_INVOICE_SAT = 10_000_000

/** What tokens cost, and in which currency the prices are written. */
export const PRICING = {
  'pricing.default': setting({
    read: price,
    standard: '1',
    example: '1/3',
    doc: 'Sats per 1,000 tokens for every model without a price of its own: `1`, `1/3` (input/output), `{ input, output, cached, cacheWrite, request }`, `{ usdPerMillion: { input, output, cached, cacheWrite } }`, `free` or `refuse`. What is not a token has its price in sats for one: `{ image, second, character, byte, request }`',
    flag: {
      name: '--price',
      kind: 'text',
      value: 'PRICE',
      help: ['Price', 'sats per 1,000 tokens, as 1 or as 1/3 (input/output) (default: 1)'],
    },
    structured: true,
  }),
  'pricing.models': setting({
    read: modelPrices,
    standard: '{}',
    example: '{ llama3: 1, deepseek-*: 2/8 }',
    doc: 'Prices by model name; `*` stands for any text, the most specific name wins',
    flag: {
      name: '--model-price',
      kind: 'pair',
      value: 'NAME=PRICE',
      help: [
        'Price',
        'the price of one model, as llama3=1/3; can be repeated; * stands for any text',
      ],
    },
    structured: true,
  }),
  'pricing.maxOutputTokens': setting({
    read: wholeNumber(1, MOST_TOKENS),
    standard: '2048',
    example: '2048',
    doc: 'The output limit, in tokens, that is written into a request whose buyer names none',
  }),
  'pricing.rate.source': setting({
    read: oneOf('coinbase'),
    standard: null,
    example: 'coinbase',
    doc: 'Who is asked for the price of a bitcoin: coinbase. Nobody is asked unless a price is in dollars, or dollars are taken (x402)',
  }),
  'pricing.rate.url': setting({
    read: anyUrl,
    standard: null,
    example: 'https://mempool.space/api/v1/prices',
    doc: 'The address that is asked instead of Coinbase',
  }),
  'pricing.rate.second': setting({
    read: anyUrl,
    standard: null,
    example: 'https://mempool.space/api/v1/prices',
    doc: 'A second address, which must confirm a rate that moved by more than a tenth. Unset: such a rate is not used',
  }),
  'pricing.rate.maxAge': setting({
    read: duration,
    standard: '10m',
    example: '10m',
    doc: 'A rate older than this is not used; models with a dollar price then answer 503',
  }),
  'pricing.rate.usdPerBtc': setting({
    read: scalar(parseUsdPerBtc),
    standard: null,
    example: '90000',
    doc: 'A fixed rate of your own; nobody is asked',
  }),
}

const HELP = KINDS.map(({ named }) => named.help)

/** Where money lands, how it comes in, and what is given away. */
export const MONEY = {
  'wallet.kind': setting({
    read: walletKind,
    standard: null,
    example: 'lnd',
    doc: `Where the sats are received: ${anyOf(KINDS.map(({ named }) => named.docs))}. \`wallet: lnd\` is the short form; \`wallet: [{ kind: lnd, … }, ecash]\` is a list, in which the next wallet makes the invoices while one does not work. Unset: the Lightning address in \`payout\` if its provider confirms payments (LUD-21), else ecash`,
    flag: {
      name: '--wallet',
      kind: 'text',
      value: 'KIND',
      help: ['Money', `where payments arrive: ${HELP.slice(0, -1).join(', ')}, or ${HELP.at(-1)}`],
    },
  }),
  'wallet.url': setting({
    read: baseUrl,
    standard: null,
    example: 'https://localhost:8080',
    doc: 'The address of the API of the node or server',
  }),
  'wallet.key': setting({
    read: walletKey,
    standard: null,
    example: '{ file: invoice.macaroon }',
    doc: 'What the node or server asks for: the invoice macaroon of lnd (a file, or hex in an environment variable), a rune of cln, a password of phoenixd, the invoice key of lnbits, the connection string of nwc. [wallet.md](wallet.md) says which one is enough',
    secret: true,
  }),
  'wallet.tlsCert': setting({
    read: certificate,
    standard: null,
    example: 'tls.cert',
    doc: 'The self-signed certificate of the node, a PEM file: tls.cert of lnd, ca.pem of clnrest',
  }),
  'wallet.mints': setting({
    read: listOf(mintUrl),
    standard: DEFAULT_MINTS,
    example: '[https://mint.example.com]',
    doc: 'The mints of the ecash wallet, tried in this order. A mint holds your sats until you withdraw them, so choose mints that you trust',
    structured: true,
  }),
  'wallet.payoutAbove': setting({
    read: wholeNumber(1, 2_100_000_000_000),
    standard: '20000',
    example: '20000',
    doc: 'If the ecash wallet holds more sats than this, they are sent to `payout`',
  }),
  'wallet.maxPerMint': setting({
    read: wholeNumber(1, 2_100_000_000_000),
    standard: '200000',
    example: '200000',
    doc: 'How many sats one mint may hold. Above it, invoices come from the next mint',
  }),
  payout: setting({
    read: lightningAddress,
    standard: null,
    example: 'you@example.com',
    doc: 'The Lightning address that earnings go to. If its provider confirms payments (LUD-21), buyers pay it directly; otherwise the ecash wallet sends the earnings there, a small sum first',
    flag: {
      name: '--payout',
      kind: 'text',
      value: 'ADDRESS',
      help: ['Money', 'the Lightning address that earnings are sent to, as you@domain'],
    },
  }),
  'rails.l402': setting({
    read: flag,
    standard: 'true',
    example: 'true',
    doc: 'Whether a 402 offers to be paid over Lightning',
  }),
  'rails.cashu.on': setting({
    read: flag,
    standard: null,
    example: 'true',
    doc: 'Whether Cashu tokens are taken as payment. `rails: { cashu: false }` is the short form. Unset: yes if the ecash wallet is used, or if mints are named',
  }),
  'rails.cashu.mints': setting({
    read: listOf(mintUrl),
    standard: null,
    example: '[https://mint.example.com]',
    doc: 'The mints whose tokens are taken. Unset: those of the ecash wallet. What a mint holds is yours to take out with `satgate wallet`, so name mints that you trust',
    structured: true,
  }),
  'rails.x402.payTo': setting({
    read: evmAddress,
    standard: null,
    example: '"0x209693bc6afc0c5328ba36faf03c514ef312287c"',
    doc: 'The address that buyers pay dollars to (USDC), over x402. It is yours: the gate needs no key of it. With `network` and `facilitator` beside it, 402s offer this way to pay',
  }),
  'rails.x402.network': setting({
    read: dollarNetwork,
    standard: null,
    example: 'base',
    doc: `The network on which they pay: ${anyOf(NETWORKS.map(({ name, network }) => `\`${name}\` (${network})`))}`,
  }),
  'rails.x402.facilitator': setting({
    read: facilitator,
    standard: null,
    example: 'https://facilitator.example.com',
    doc: 'Who settles those payments: the URL of a service, or `{ url, headers: { Authorization: { env: NAME } } }` if it wants a key. Or the gate itself: `{ rpc, key: { file: PATH }, usdPerEth }`, with the URL of a node of the network (`{ env: NAME }` hides it), the private key of an account that pays the fees, and what one ether costs in dollars',
    structured: true,
  }),
  'rails.x402.maxPayment': setting({
    read: dollars,
    standard: '1',
    example: '1',
    doc: 'The largest payment that is taken, in dollars',
  }),
  'rails.x402.maxOutstanding': setting({
    read: dollars,
    standard: '1000',
    example: '1000',
    doc: 'How many dollars all buyers together may have paid and not spent. Above it, no dollars are asked for',
  }),
  'rails.payment': setting({
    read: flag,
    standard: 'false',
    example: 'true',
    doc: 'Whether a 402 offers the `Payment` scheme (MPP) as well, over Lightning',
  }),
  'credit.invoice.min': setting({
    read: wholeNumber(1, MOST_INVOICE_SAT),
    standard: '10',
    example: '10',
    doc: 'The smallest invoice in a 402, in sats',
  }),
  'credit.invoice.max': setting({
    read: wholeNumber(1, MOST_INVOICE_SAT),
    standard: '1000',
    example: '1000',
    doc: 'The largest invoice in a 402, in sats; `POST /create-invoice` may ask for more',
  }),
  'credit.tiers': setting({
    read: tiers,
    standard: null,
    example: '[{ amountSats: 10000, creditSats: 11000 }]',
    doc: 'Larger payments that buy more credit than they pay, on every way of paying. What a tier adds is bonus credit: it buys answers, and is earned as the payment itself is spent',
    structured: true,
  }),
  'freeTier.creditsPerDay': setting({
    read: wholeNumber(0, 1_000_000_000),
    standard: null,
    example: '250',
    doc: 'How many sats every client may use for free each day',
    flag: { name: '--free', kind: 'text', value: 'SATS' },
    later: noEffectYet,
  }),
}
