import { goneWords } from '../gate/gone.ts'
import type { Gone } from '../gate/ports.ts'
import { type ImagePrice, imageKey } from '../money/image-prices.ts'
import { formatDecimal } from '../money/parse.ts'
import { eachOf, type Rate, sells, TOKENS } from '../money/price.ts'
import type { Priced } from '../money/pricing.ts'
import type { Quantity } from '../money/quantities.ts'
import { greeting } from './llms-requests.ts'
import { llmsTxt } from './llms-txt.ts'
import { openApi } from './openapi.ts'
import type { Model } from './probe.ts'
import type { DollarTerms, Selling, ShownPrice, ShownRail, Terms } from './selling.ts'
import { shownModel } from './shown-model.ts'
import { wellKnown } from './well-known.ts'
import { wellKnownX402 } from './well-known-x402.ts'

/**
 * The documents in which the gate describes itself. They are free to read and up to date. `origin`
 * is the address under which the reader reaches the gate.
 */
export interface Describe {
  /** The models of the backend, each with its price. Null if the backend does not answer. */
  models(): Promise<unknown | null>
  model(id: string): Promise<unknown | null>
  /** The models that are for sale now. Null if the backend never listed any. */
  forSale(): Promise<readonly Model[] | null>
  wellKnown(origin: string): Promise<unknown>
  /** Null if no dollars are taken. */
  wellKnownX402(origin: string): Promise<unknown | null>
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
  /** `none`: this gate has no wallet, because it takes dollars alone. */
  readonly wallet: 'ok' | 'unreachable' | 'none'
  readonly ledger: 'ok' | 'late' | 'damaged'
  /** Whether tokens are taken now. Not set if none are ever. */
  readonly cashu?: 'ok' | 'unreachable'
  /** Whether the facilitator answers. Not set if no dollars are taken. */
  readonly x402?: 'ok' | 'unreachable'
  /** Why nothing is sold, in words. Only set if the backend is gone. */
  readonly reason?: string
}

export interface DescribeParts {
  readonly terms: Terms
  /** The price that a request for this name of a model would be charged. */
  priceOf(model: string): Priced
  /** The models that the backend listed last. Null if it never answered. */
  listed(): Promise<readonly { readonly id: string }[] | null>
  /** Whether the backend answered when it was last asked for its models. */
  upstreamOk(): boolean
  /** Set if the backend has been away for so long that nothing is sold. */
  gone(): Gone | null
  /** Null if there is no wallet. */
  walletOk(): boolean | null
  /** Whether a token could be taken now. Null if none are. */
  cashuOk(): boolean | null
  /** How dollars are taken. Null if none are. */
  readonly dollars: Dollars | null
  ledgerOk(): boolean
  /** Its file is wrong, so nothing is admitted any more. */
  ledgerDamaged(): boolean
  /** In ms. */
  now(): number
  /** `https://host`, under which everybody reaches this gate. Null if there is no such address. */
  publicUrl(): string | null
  /**
   * Dollars for one bitcoin. Null if no price needs them, or if they are not known. Makes no call.
   */
  usdPerBtc(): number | null
}

/** How dollars are taken now. */
export interface Dollars {
  readonly terms: DollarTerms
  /** Whether the facilitator answered when it was last asked. */
  up(): boolean
  /** What so many sats cost at the rate of now, in micro-dollars. Null if no rate is known. */
  amountOf(sat: number): bigint | null
}

/**
 * A list with prices is used again for so many ms. Anybody may ask for a document, with 40 bytes
 * and a hundred times at once, and finding the prices of hundreds of models is the largest part of
 * the work (threats J7).
 */
const PRICED_FOR = 1_000

/** Makes the documents. They never fail: what is not known is left out or null. */
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
    const rails = railsOf(parts)
    return {
      terms: parts.terms,
      origin,
      publicUrl: parts.publicUrl(),
      models: up ? models : [],
      upstream: up ? 'ok' : 'unreachable',
      gone: gone === null ? null : goneWords(gone),
      usdPerBtc: parts.usdPerBtc(),
      acceptingPayments: gone === null && parts.ledgerOk() && rails.some((rail) => rail.up),
      rails,
      dollars: parts.dollars === null ? null : { ...parts.dollars.terms, least: leastOf(parts) },
      now: parts.now(),
    }
  }
  return {
    async models() {
      const data = await list()
      return data === null ? null : { object: 'list', data }
    },
    forSale: list,
    async model(id) {
      return (await list())?.find((one) => one.id === id) ?? null
    },
    wellKnown: async (origin) => wellKnown(await selling(origin)),
    async wellKnownX402(origin) {
      if (parts.dollars === null || !parts.terms.methods.includes('x402')) return null
      return wellKnownX402(await selling(origin))
    },
    llmsTxt: async (origin) => llmsTxt(await selling(origin)),
    openApi: async (origin) => openApi(await selling(origin)),
    greeting: async (origin) => greeting(await selling(origin)),
    health: () => health(parts),
  }
}

/** The rails that are on, each with whether it can take a payment now. */
function railsOf(parts: DescribeParts): readonly ShownRail[] {
  const up: Readonly<Record<string, () => boolean>> = {
    l402: () => parts.walletOk() === true,
    payment: () => parts.walletOk() === true,
    cashu: () => parts.cashuOk() === true,
    x402: () => leastOf(parts) !== null,
  }
  return parts.terms.methods.map((name) => ({ name, up: up[name]?.() ?? false }))
}

/** What the smallest x402 offer asks for, in micro-dollars. Null if none can be made. */
function leastOf({ dollars, terms }: DescribeParts): bigint | null {
  return dollars?.up() === true ? dollars.amountOf(terms.invoice.min) : null
}

async function health(parts: DescribeParts): Promise<Health> {
  await parts.listed()
  const upstream = parts.upstreamOk() ? 'ok' : 'unreachable'
  const wallet = parts.walletOk() === null ? 'none' : parts.walletOk() ? 'ok' : 'unreachable'
  const ledger = parts.ledgerDamaged() ? 'damaged' : parts.ledgerOk() ? 'ok' : 'late'
  // Without a wallet dollars are the only way to pay.
  const pays = wallet === 'none' ? parts.dollars?.up() !== false : wallet === 'ok'
  const ok = upstream === 'ok' && pays && ledger === 'ok'
  const gone = parts.gone()
  const why = gone === null ? {} : { reason: goneWords(gone) }
  const taken = parts.cashuOk()
  const cashu = taken === null ? {} : { cashu: taken ? ('ok' as const) : ('unreachable' as const) }
  const dollars = parts.dollars?.up()
  const x402 =
    dollars === undefined ? {} : { x402: dollars ? ('ok' as const) : ('unreachable' as const) }
  return { status: ok ? 'ok' : 'degraded', upstream, wallet, ledger, ...cashu, ...x402, ...why }
}

/** The price as it is shown. Null if the model is not for sale now. */
const forSale = (priced: Priced): ShownPrice | null =>
  priced.is === 'priced' ? shownPrice(priced.rate, priced.price.images) : null

/**
 * A price in msat per million tokens is 10^6 times that in sats per thousand tokens, and 10^9 times
 * that in sats for one.
 */
function shownPrice(rate: Rate, images: readonly ImagePrice[] | undefined): ShownPrice {
  const byTokens = sells(rate, TOKENS)
  const tokens = (name: Quantity) =>
    byTokens ? Number(formatDecimal(eachOf(rate, name), 6)) : null
  const others = OTHERS.filter((name) => rate[name] !== undefined)
  return {
    unit: 'sats per 1,000 tokens',
    input: tokens('input'),
    cached: tokens('cached'),
    ...(eachOf(rate, 'cacheWrite') === eachOf(rate, 'input')
      ? {}
      : { cacheWrite: tokens('cacheWrite') }),
    output: tokens('output'),
    request: sats(eachOf(rate, 'call')),
    ...Object.fromEntries(others.map((name) => [name, sats(eachOf(rate, name))])),
    ...(images === undefined
      ? {}
      : { images: Object.fromEntries(images.map((one) => [imageKey(one), sats(one.each)])) }),
  }
}

const OTHERS = ['image', 'second', 'character', 'byte'] as const
const sats = (each: bigint): number => Number(formatDecimal(each, 9))
