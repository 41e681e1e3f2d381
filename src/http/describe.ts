import { formatDecimal } from '../money/parse.ts'
import type { Rate } from '../money/price.ts'
import type { Pricing } from '../money/pricing.ts'

/** What this gate says of itself, free to read and true now. */
export interface Describe {
  /** The upstream's list, each model with its price; null where the upstream does not answer. */
  models(): Promise<unknown | null>
  model(id: string): Promise<unknown | null>
  wellKnown(): Promise<unknown>
  health(): Promise<Health>
}

export interface Health {
  readonly status: 'ok' | 'degraded'
  readonly upstream: 'ok' | 'unreachable'
  readonly wallet: 'ok' | 'unreachable'
  readonly ledger: 'ok' | 'late'
}

export interface DescribeParts {
  readonly pricing: Pricing
  /** The name that the price list knows a model by. */
  pricedName(model: string): string
  /** The upstream's models as it lists them; null where it never answered. */
  listed(): Promise<readonly { readonly id: string }[] | null>
  readonly paths: readonly string[]
  walletOk(): boolean
  ledgerOk(): boolean
}

export function makeDescribe(parts: DescribeParts): Describe {
  const priced = (model: { readonly id: string }) => {
    const pricing = priceOf(parts.pricing, parts.pricedName(model.id))
    return pricing === null
      ? null
      : { object: 'model', created: 0, owned_by: 'upstream', ...model, pricing }
  }
  const list = async () => (await parts.listed())?.map(priced).filter((one) => one !== null) ?? null
  return {
    async models() {
      const data = await list()
      return data === null ? null : { object: 'list', data }
    },
    async model(id) {
      return (await list())?.find((one) => one.id === id) ?? null
    },
    async wellKnown() {
      return wellKnown(parts, (await list()) ?? [])
    },
    async health() {
      const upstream = (await parts.listed()) === null ? 'unreachable' : 'ok'
      const wallet = parts.walletOk() ? 'ok' : 'unreachable'
      const ledger = parts.ledgerOk() ? 'ok' : 'late'
      const ok = upstream === 'ok' && wallet === 'ok' && ledger === 'ok'
      return { status: ok ? 'ok' : 'degraded', upstream, wallet, ledger }
    },
  }
}

/** Sats per 1,000 tokens, and sats for each request, as decimal numbers. */
export interface ShownPrice {
  readonly unit: 'sats per 1,000 tokens'
  readonly input: number
  readonly cached: number
  readonly output: number
  readonly request: number
}

/** Null for a model that is not for sale now. */
function priceOf(pricing: Pricing, model: string): ShownPrice | null {
  const priced = pricing.priceOf(model)
  return priced.is === 'priced' ? shownPrice(priced.rate) : null
}

/** msat per million tokens are sats per thousand × 10^6. */
const shownPrice = (rate: Rate): ShownPrice => ({
  unit: 'sats per 1,000 tokens',
  input: Number(formatDecimal(rate.inputPerMillion, 6)),
  cached: Number(formatDecimal(rate.cachedPerMillion, 6)),
  output: Number(formatDecimal(rate.outputPerMillion, 6)),
  request: Number(formatDecimal(rate.perRequest, 3)),
})

/** The form that the closest peer's clients read, with this gate's finer prices beside it. */
function wellKnown(
  parts: DescribeParts,
  models: readonly { readonly id: string; readonly pricing: ShownPrice }[],
): unknown {
  const prices = models.map(({ id, pricing }) => [
    id,
    { perThousandTokens: Math.max(pricing.input, pricing.output), ...pricing },
  ])
  return {
    version: 1,
    name: 'satgate',
    description: 'An OpenAI-compatible API, paid by the token.',
    pricing: { unit: 'tokens', currency: 'SAT', models: Object.fromEntries(prices) },
    endpoints: parts.paths.map((path) => ({ path, method: 'POST' })),
    payment: { methods: ['l402'], createInvoice: '/create-invoice', balance: '/v1/balance' },
    capabilities: { streaming: true, models: models.map(({ id }) => id) },
  }
}
