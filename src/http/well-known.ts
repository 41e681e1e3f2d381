import type { Selling, ShownPrice, ShownRail } from './selling.ts'

/** The paths that can be read without a pass. */
const FREE = ['/', '/v1/models', '/.well-known/l402', '/llms.txt', '/openapi.json', '/health']
const FREE_WITH_X402 = [...FREE, '/.well-known/x402']

/**
 * `/.well-known/l402`. It has the fields that existing clients of such gates read, and beside them
 * the exact prices and the state of this gate. `docs/l402.schema.json` describes it. Amounts are
 * sats unless the name says msat.
 */
export function wellKnown(selling: Selling): unknown {
  const { terms, models, origin } = selling
  const prices = models.map(({ id, pricing }) => [
    id,
    { perThousandTokens: dearer(pricing), ...pricing },
  ])
  return {
    version: 1,
    name: terms.operator.name,
    description: 'An OpenAI-compatible API, paid by the token.',
    operator: terms.operator,
    software: { name: 'satgate', version: terms.version },
    url: origin,
    public_url: selling.publicUrl,
    money: terms.money,
    accepting_payments: selling.acceptingPayments,
    upstream: selling.upstream,
    ...(selling.gone === null ? {} : { reason: selling.gone }),
    usd_per_btc: selling.usdPerBtc,
    pricing: { unit: 'tokens', currency: 'SAT', models: Object.fromEntries(prices) },
    endpoints: terms.routes.map(({ path, method }) => ({ path, method })),
    free_endpoints: (selling.dollars === null ? FREE : FREE_WITH_X402).map((path) => ({
      path,
      method: 'GET',
    })),
    payment: {
      methods: terms.methods,
      ...Object.fromEntries(selling.rails.flatMap((rail) => railEntry(rail, selling))),
      ...(terms.cashuMints === null ? {} : { cashuRedeem: '/cashu-redeem' }),
      ...(terms.methods.includes('l402')
        ? { createInvoice: '/create-invoice', invoiceStatus: '/invoice-status/{payment_hash}' }
        : {}),
      balance: '/v1/balance',
      usage: '/v1/usage',
      passHeader: 'X-Satgate-Pass',
      tiers: terms.tiers,
      invoice: { minSats: terms.invoice.min, maxSats: terms.invoice.max },
      ...(terms.methods.includes('l402')
        ? { create: { minSats: 1, maxSats: terms.mostSats } }
        : {}),
    },
    credit_tiers: terms.tiers,
    limits: {
      bodyBytes: terms.limits.body,
      outputTokens: terms.limits.outputTokens,
      defaultOutputTokens: terms.limits.usualOutputTokens,
    },
    capabilities: { streaming: true, models: models.map(({ id }) => id) },
    docs: { openapi: `${origin}/openapi.json`, llms: `${origin}/llms.txt` },
  }
}

/** Null if the model is not sold by tokens. */
const dearer = ({ input, output }: ShownPrice): number | null =>
  input === null || output === null ? null : Math.max(input, output)

/** How a rail is paid, under its name. Nothing for a rail that this file does not know. */
function railEntry(
  { name, up }: ShownRail,
  selling: Selling,
): readonly (readonly [string, object])[] {
  const accepting = up && selling.acceptingPayments
  const how = howToPay(name, selling)
  return how === null ? [] : [[name, { accepting, ...how }]]
}

function howToPay(name: string, { dollars, terms }: Selling): object | null {
  if (name === 'l402') return { scheme: 'L402', header: 'WWW-Authenticate', currency: 'sat' }
  if (name === 'payment') {
    return {
      ...{ scheme: 'Payment', header: 'WWW-Authenticate', receipt: 'Payment-Receipt' },
      ...{ method: 'lightning', intent: 'charge', currency: 'sat' },
    }
  }
  if (name === 'cashu') return { mints: terms.cashuMints ?? [], unit: 'sat', header: 'X-Cashu' }
  if (name !== 'x402' || dollars === null) return null
  const { asset, domain, network, payTo } = dollars
  return {
    ...{ versions: [2, 1], scheme: 'exact', network, asset, name: domain.name, payTo },
    ...{ currency: 'USD', decimals: USD_DECIMALS },
    headers: {
      2: { offer: 'PAYMENT-REQUIRED', payment: 'PAYMENT-SIGNATURE', receipt: 'PAYMENT-RESPONSE' },
      1: { payment: 'X-PAYMENT', receipt: 'X-PAYMENT-RESPONSE' },
    },
    document: '/.well-known/x402',
  }
}

/** Of every asset that is taken: its smallest unit is a micro-dollar. */
const USD_DECIMALS = 6
