import type { PriceList } from '../money/pricing.ts'
import type { RateSettings } from '../money/rate.ts'
import type { HostPort } from './reader.ts'
import type { Secret } from './secret.ts'

/** Everything that a run is told, resolved, checked and frozen. Times in ms, sizes in bytes. */
export interface Config {
  /** `http://host:port`, without a slash at its end; null: look for a backend. */
  readonly upstream: string | null
  readonly upstreamKey: Secret | null
  /** 0 takes a free one. */
  readonly port: number
  readonly host: string
  /** `https://host`; null: as the request says. */
  readonly publicUrl: string | null
  /** on: asked for; free, play: `auto`, which never opens one where something is free or money is play. */
  readonly tunnel: 'auto' | 'on' | 'off' | 'free' | 'play'
  /** An absolute path. */
  readonly dataDir: string
  readonly mode: 'charge'
  readonly pricing: {
    readonly list: PriceList
    /** Written upstream when the buyer names no limit. */
    readonly maxOutputTokens: number
    readonly rate: RateSettings
  }
  readonly wallet: WalletSettings
  /** The Lightning address that earnings go to; null: none. */
  readonly payout: string | null
  readonly rails: { readonly l402: boolean }
  readonly credit: {
    /** Whole sats. */
    readonly invoice: { readonly min: number; readonly max: number }
  }
  /** What buyers are told of whoever runs this gate; null: nothing. */
  readonly operator: {
    readonly name: string | null
    readonly contact: string | null
    readonly terms: string | null
  }
  readonly capacity: {
    /** Null: no limit. */
    readonly maxConcurrent: number | null
  }
  readonly billing: { readonly onUpstreamFailure: 'used' | 'release' }
  readonly timeouts: {
    readonly firstByteMs: number
    readonly idleMs: number
    readonly shutdownMs: number
  }
  readonly limits: {
    readonly bodyBytes: number
    readonly outputTokens: number
    readonly invoicesPerClient: number
    readonly invoicesTotal: number
    /** Names of request fields that pass besides those of the dialects. */
    readonly requestFields: readonly string[]
  }
  readonly metrics: HostPort | null
  /** Addresses, and networks as `10.0.0.0/8`. */
  readonly trustedProxies: readonly string[]
  /** `*`, or origins as browsers send them. */
  readonly cors: readonly string[]
  readonly log: {
    readonly format: 'auto' | 'text' | 'json'
    readonly level: 'error' | 'warn' | 'info' | 'debug'
  }
}

export type WalletSettings =
  | { readonly kind: 'play' }
  | EcashSettings
  | {
      readonly kind: 'lnd'
      readonly url: string
      /** Hex. */
      readonly macaroon: Secret
      /** PEM; null: a certificate that the machine trusts. */
      readonly tlsCert: string | null
    }

export interface EcashSettings {
  readonly kind: 'ecash'
  /** False: it is what a gate has when nothing else was asked for. */
  readonly chosen: boolean
  /** In the order in which they are tried. */
  readonly mints: readonly string[]
  /** Sats. */
  readonly payoutAbove: number
  readonly maxPerMint: number
}
