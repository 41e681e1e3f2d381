import type { Selling } from './selling.ts'

/** The paths that can be read without a pass. */
const FREE = ['/', '/v1/models', '/.well-known/l402', '/llms.txt', '/openapi.json', '/health']

/**
 * `/.well-known/l402`. It has the fields that existing clients of such gates read, and beside them
 * the exact prices and the state of this gate. `docs/l402.schema.json` describes it. Amounts are
 * sats unless the name says msat.
 */
export function wellKnown(selling: Selling): unknown {
  const { terms, models, origin } = selling
  const prices = models.map(({ id, pricing }) => [
    id,
    { perThousandTokens: Math.max(pricing.input, pricing.output), ...pricing },
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
    free_endpoints: FREE.map((path) => ({ path, method: 'GET' })),
    payment: {
      methods: terms.methods,
      ...(terms.cashuMints === null
        ? {}
        : {
            cashu: { mints: terms.cashuMints, unit: 'sat', header: 'X-Cashu' },
            cashuRedeem: '/cashu-redeem',
          }),
      createInvoice: '/create-invoice',
      invoiceStatus: '/invoice-status/{payment_hash}',
      balance: '/v1/balance',
      usage: '/v1/usage',
      tiers: terms.tiers,
      invoice: { minSats: terms.invoice.min, maxSats: terms.invoice.max },
      create: { minSats: 1, maxSats: terms.mostSats },
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
