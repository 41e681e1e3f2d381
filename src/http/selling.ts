import type { Dialect, Envelope } from '../dialects/dialect.ts'
import type { Route } from '../gate/route.ts'
import type { MoneyKind } from '../ledger/ledger.ts'

/** Who runs this gate, from the settings. Each text is one line of at most 200 characters. */
export interface Operator {
  readonly name: string
  /** An e-mail address, a URL or `npub1…`. */
  readonly contact: string | null
  /** A URL or a short text. */
  readonly terms: string | null
}

/** A route, as documents describe it. */
export interface SoldRoute extends Pick<Dialect, 'docs' | 'wire'> {
  readonly method: string
  /** As its pattern is written. */
  readonly path: string
  readonly tellsPrice: boolean
}

export const soldOf = ({ dialect, method, path, tellsPrice }: Route): SoldRoute => ({
  ...{ docs: dialect.docs, wire: dialect.wire, method, path: path.text, tellsPrice },
})

/** What does not change while the gate runs. */
export interface Terms {
  readonly operator: Operator
  /** The version of satgate. */
  readonly version: string
  readonly money: MoneyKind
  readonly routes: readonly SoldRoute[]
  /** How the endpoints of the gate itself write an error. */
  readonly errors: Envelope
  /** Credit can be bought: the mode of the gate is `charge`. If not, no document teaches to pay. */
  readonly sells: boolean
  /** The names of the rails that are on. Empty if nothing is sold. */
  readonly methods: readonly string[]
  /** The mints whose tokens are taken. Null if none are. */
  readonly cashuMints: readonly string[] | null
  /** The smallest and largest invoice in a 402, in sats. */
  readonly invoice: { readonly min: number; readonly max: number }
  /** The largest invoice of `POST /create-invoice`, in sats. */
  readonly mostSats: number
  readonly tiers: readonly { readonly amountSats: number; readonly creditSats: number }[]
  /**
   * The largest body in bytes, the largest number of output tokens, and that number if a request
   * names no limit.
   */
  readonly limits: {
    readonly body: number
    readonly outputTokens: number
    readonly usualOutputTokens: number
  }
}

/** What is for sale at this moment. All documents are written from this record alone. */
export interface Selling {
  readonly terms: Terms
  readonly origin: string
  readonly publicUrl: string | null
  /** Empty if the backend does not answer, because nothing could be served. */
  readonly models: readonly ForSale[]
  readonly upstream: 'ok' | 'unreachable'
  /** Why nothing is sold. Null unless the backend is gone. */
  readonly gone: string | null
  /**
   * Whether an invoice can be made for a stranger, and its payment can be written to the ledger.
   */
  readonly acceptingPayments: boolean
  /** Dollars for one bitcoin. Null if the gate does not need or know them. */
  readonly usdPerBtc: number | null
  /** The rails that are on, in the order of their offers. */
  readonly rails: readonly ShownRail[]
  /** How dollars are paid. Null if none are taken. */
  readonly dollars: ShownDollars | null
  /** In ms. */
  readonly now: number
}

/** A rail that is on, and whether it can take a payment now. */
export interface ShownRail {
  readonly name: string
  readonly up: boolean
}

/** What an x402 offer of this gate always says (x402 v2, `PaymentRequirements`). */
export interface DollarTerms {
  /** As CAIP-2 writes it: `eip155:8453`. */
  readonly network: string
  readonly asset: string
  readonly payTo: string
  /** The EIP-712 domain of the asset. */
  readonly domain: { readonly name: string; readonly version: string }
  readonly maxTimeoutSeconds: number
}

export interface ShownDollars extends DollarTerms {
  /**
   * What the smallest offer asks for now, in micro-dollars. Null if no offer can be made, because no
   * rate is known or the facilitator does not answer.
   */
  readonly least: bigint | null
}

export interface ForSale {
  readonly id: string
  readonly pricing: ShownPrice
}

/**
 * Sats per 1,000 tokens, and sats for each request, image, second, character and byte, as decimal numbers.
 * The three of tokens are null if the model is not sold by tokens.
 */
export interface ShownPrice {
  readonly unit: 'sats per 1,000 tokens'
  readonly input: number | null
  readonly cached: number | null
  /** Of the input that is written into a prompt cache, if that has a price of its own. */
  readonly cacheWrite?: number | null
  readonly output: number | null
  readonly request: number
  /** Of the dearest image, if the price depends on size and quality. */
  readonly image?: number
  /** By size and quality: `1024x1024/hd`. */
  readonly images?: Readonly<Record<string, number>>
  readonly second?: number
  readonly character?: number
  readonly byte?: number
}
