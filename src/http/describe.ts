import { goneWords } from '../gate/gone.ts'
import type { Gone } from '../gate/ports.ts'
import { formatDecimal } from '../money/parse.ts'
import { eachOf, type Rate } from '../money/price.ts'
import type { Priced } from '../money/pricing.ts'
import { greeting } from './llms-requests.ts'
import { llmsTxt } from './llms-txt.ts'
import { openApi } from './openapi.ts'
import type { Selling, ShownPrice, Terms } from './selling.ts'
import { shownModel } from './shown-model.ts'
import { wellKnown } from './well-known.ts'

/** What this gate says of itself, free to read and true now. An `origin` is the reader's own. */
export interface Describe {
  /** The upstream's list, each model with its price; null where the upstream does not answer. */
  models(): Promise<unknown | null>
  model(id: string): Promise<unknown | null>
  wellKnown(origin: string): Promise<unknown>
  /** Markdown, for agents (llmstxt.org). */
  llmsTxt(origin: string): Promise<string>
  openApi(origin: string): Promise<unknown>
  /** A few lines of text for programs that ask for `/`. */
  greeting(origin: string): Promise<string>
  health(): Promise<Health>
}

export interface Health {
  readonly status: 'ok' | 'degraded'
  readonly upstream: 'ok' | 'unreachable'
  readonly wallet: 'ok' | 'unreachable'
  readonly ledger: 'ok' | 'late'
  /** In words, where nothing is sold because the upstream is gone. */
  readonly reason?: string
}

export interface DescribeParts {
  readonly terms: Terms
  /** What a model costs by that name, as a request for it is charged. */
  priceOf(model: string): Priced
  /** The upstream's models as it last listed them; null where it never answered. */
  listed(): Promise<readonly { readonly id: string }[] | null>
  /** The upstream answered when it was last asked for its models. */
  upstreamOk(): boolean
  /** Set where the upstream has not answered for so long that nothing is sold. */
  gone(): Gone | null
  walletOk(): boolean
  ledgerOk(): boolean
  /** In ms. */
  now(): number
  /** `https://host` where everybody reaches this gate; null: it has no such address. */
  publicUrl(): string | null
  /** Dollars for one bitcoin; null where no price needs them, or none are known. Asks nobody. */
  usdPerBtc(): number | null
}

/**
 * ms for which a priced list is used again. Anybody may ask for a document, in 40 bytes and a hundred
 * at once: pricing hundreds of models anew for each is what it would cost most (threats J7).
 */
const PRICED_FOR = 1_000

/** Makes the descriptions. They never fail: what cannot be had is said to be so. */
export function makeDescribe(parts: DescribeParts): Describe {
  const priced = (model: { readonly id: string }) => {
    const pricing = forSale(parts.priceOf(model.id))
    return pricing === null
      ? null
      : { object: 'model', created: 0, owned_by: 'upstream', ...shownModel(model), pricing }
  }
  let known: { readonly from: unknown; readonly until: number; readonly all: Shown[] } | null = null
  type Shown = NonNullable<ReturnType<typeof priced>>
  const list = async () => {
    const from = await parts.listed()
    if (from === null) return null
    const now = parts.now()
    if (known === null || known.from !== from || now >= known.until) {
      const all = from.map(priced).filter((one) => one !== null)
      known = { from, until: now + PRICED_FOR, all }
    }
    return known.all
  }
  const selling = async (origin: string): Promise<Selling> => {
    const models = (await list()) ?? []
    const up = parts.upstreamOk()
    const gone = parts.gone()
    return {
      terms: parts.terms,
      origin,
      publicUrl: parts.publicUrl(),
      models: up ? models : [],
      upstream: up ? 'ok' : 'unreachable',
      gone: gone === null ? null : goneWords(gone),
      usdPerBtc: parts.usdPerBtc(),
      acceptingPayments:
        gone === null && parts.walletOk() && parts.ledgerOk() && parts.terms.methods.length > 0,
    }
  }
  return {
    async models() {
      const data = await list()
      return data === null ? null : { object: 'list', data }
    },
    async model(id) {
      return (await list())?.find((one) => one.id === id) ?? null
    },
    wellKnown: async (origin) => wellKnown(await selling(origin)),
    llmsTxt: async (origin) => llmsTxt(await selling(origin)),
    openApi: async (origin) => openApi(await selling(origin)),
    greeting: async (origin) => greeting(await selling(origin)),
    health: () => health(parts),
  }
}

async function health(parts: DescribeParts): Promise<Health> {
  await parts.listed()
  const upstream = parts.upstreamOk() ? 'ok' : 'unreachable'
  const wallet = parts.walletOk() ? 'ok' : 'unreachable'
  const ledger = parts.ledgerOk() ? 'ok' : 'late'
  const ok = upstream === 'ok' && wallet === 'ok' && ledger === 'ok'
  const gone = parts.gone()
  const why = gone === null ? {} : { reason: goneWords(gone) }
  return { status: ok ? 'ok' : 'degraded', upstream, wallet, ledger, ...why }
}

/** Null for a model that is not for sale now. */
const forSale = (priced: Priced): ShownPrice | null =>
  priced.is === 'priced' ? shownPrice(priced.rate) : null

/** msat per million tokens are sats per thousand × 10^6, and sats per request × 10^9. */
const shownPrice = (rate: Rate): ShownPrice => ({
  unit: 'sats per 1,000 tokens',
  input: Number(formatDecimal(eachOf(rate, 'input'), 6)),
  cached: Number(formatDecimal(eachOf(rate, 'cached'), 6)),
  output: Number(formatDecimal(eachOf(rate, 'output'), 6)),
  request: Number(formatDecimal(eachOf(rate, 'call'), 9)),
})
