import type { Dialect, Envelope } from '../dialects/dialect.ts'
import type { MoneyKind } from '../ledger/ledger.ts'

/** Who runs this gate, as the settings say it; each at most 200 characters on one line. */
export interface Operator {
  readonly name: string
  /** An e-mail address, a URL or `npub1…`. */
  readonly contact: string | null
  /** A URL or a short text. */
  readonly terms: string | null
}

/** What does not change while the gate runs. */
export interface Terms {
  readonly operator: Operator
  /** satgate's own. */
  readonly version: string
  readonly money: MoneyKind
  readonly dialects: readonly Pick<Dialect, 'name' | 'path' | 'docs' | 'wire'>[]
  /** How the gate's own endpoints write an error. */
  readonly errors: Envelope
  /** The rails that are on. */
  readonly methods: readonly string[]
  /** Sats that a 402 asks for. */
  readonly invoice: { readonly min: number; readonly max: number }
  /** Sats that `POST /create-invoice` asks for at most. */
  readonly mostSats: number
  readonly tiers: readonly { readonly amountSats: number; readonly creditSats: number }[]
  /** Bytes of a body; output tokens at most, and where a request names no limit. */
  readonly limits: {
    readonly body: number
    readonly outputTokens: number
    readonly usualOutputTokens: number
  }
}

/** What is for sale at this moment: every document is written from it alone. */
export interface Selling {
  readonly terms: Terms
  readonly origin: string
  readonly publicUrl: string | null
  /** None where the upstream does not answer: nothing could be served then. */
  readonly models: readonly ForSale[]
  readonly upstream: 'ok' | 'unreachable'
  /** Why nothing is sold, where the upstream is gone. */
  readonly gone: string | null
  /** An invoice can be made for a stranger, and its payment written down. */
  readonly acceptingPayments: boolean
  /** Dollars for one bitcoin, where the gate knows them for its prices. */
  readonly usdPerBtc: number | null
}

export interface ForSale {
  readonly id: string
  readonly pricing: ShownPrice
}

/** Sats per 1,000 tokens, and sats for each request, as decimal numbers. */
export interface ShownPrice {
  readonly unit: 'sats per 1,000 tokens'
  readonly input: number
  readonly cached: number
  readonly output: number
  readonly request: number
}
