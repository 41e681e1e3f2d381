import type { PriceList } from '../money/pricing.ts'
import type { RateSettings } from '../money/rate.ts'
import type { Tier } from '../money/tiers.ts'
import type { MicroUsd } from '../money/usd.ts'
import type { WalletValues } from '../wallets/kind.ts'
import type { HostPort } from './reader.ts'
import type { Secret } from './secret.ts'

/** All settings of a run, resolved, checked and frozen. Times are in ms, sizes in bytes. */
export interface Config {
  /** `http://host:port`, without a slash at its end. Null: the gate looks for a backend. */
  readonly upstream: string | null
  readonly upstreamKey: Secret | null
  /** 0 means any free port. */
  readonly port: number
  readonly host: string
  /** `https://host`. Null: links use the host that the request names. */
  readonly publicUrl: string | null
  /**
   * `on`: the operator asked for it. `free` and `play` mean `auto`, but something is free, or the
   * money is play money, so no tunnel opens.
   */
  readonly tunnel: 'auto' | 'on' | 'off' | 'free' | 'play'
  /** An absolute path. */
  readonly dataDir: string
  readonly mode: 'charge' | 'control' | 'observe'
  readonly pricing: {
    readonly list: PriceList
    /** The output limit that is sent to the backend if the buyer names none. */
    readonly maxOutputTokens: number
    readonly rate: RateSettings
  }
  /**
   * In the order in which they are asked for invoices. Empty if no rail takes sats and no wallet was
   * chosen.
   */
  readonly wallets: readonly WalletSettings[]
  /** The Lightning address that earnings are sent to. Null if there is none. */
  readonly payout: string | null
  readonly rails: {
    readonly l402: boolean
    /** Null if tokens are not taken. */
    readonly cashu: CashuSettings | null
    /** Null if no dollars are taken. */
    readonly x402: X402Settings | null
    /** Whether a 402 offers the Payment scheme (MPP) as well. */
    readonly payment: boolean
  }
  readonly credit: {
    /** Whole sats. */
    readonly invoice: { readonly min: number; readonly max: number }
    readonly tiers: readonly Tier[]
  }
  /** What buyers are told about the operator. A field is null if it was not set. */
  readonly operator: {
    readonly name: string | null
    readonly contact: string | null
    readonly terms: string | null
  }
  readonly capacity: {
    /** Null means that there is no limit. */
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
    /** Names of request fields that reach the backend in addition to those of the dialects. */
    readonly requestFields: readonly string[]
  }
  readonly dialects: {
    /** Whether APIs that the backend lacks are translated to its chat completions. */
    readonly translate: boolean
    /** Whether a pass may stand in the path: `/k/<pass>/`. */
    readonly keyPath: boolean
  }
  readonly media: {
    /** The most tokens of one picture in a prompt. */
    readonly imageTokens: number
    /** Whether pictures may be named by URL. */
    readonly remoteUrls: boolean
  }
  readonly metrics: HostPort | null
  /** Addresses, and networks such as `10.0.0.0/8`. */
  readonly trustedProxies: readonly string[]
  /** `*`, or origins as browsers send them. */
  readonly cors: readonly string[]
  readonly log: {
    readonly format: 'auto' | 'text' | 'json'
    readonly level: 'error' | 'warn' | 'info' | 'debug'
  }
}

/** Whose tokens are taken as payment. */
export interface CashuSettings {
  /** Null: those of the ecash wallet. */
  readonly mints: readonly string[] | null
  /** Whether the operator asked for it. Otherwise it is on only where the ecash wallet is used. */
  readonly asked: boolean
}

/** Where dollars are paid to, and who settles those payments. */
export interface X402Settings {
  /** `0x` and 40 hex digits, in lower case. */
  readonly payTo: string
  /** As CAIP-2 writes it: `eip155:8453`. It is in the table of networks. */
  readonly network: string
  readonly facilitator:
    | { readonly is: 'remote'; readonly url: string; readonly headers: readonly X402Header[] }
    /**
     * The gate settles itself: it sends transactions to this node with this key, which pays their gas.
     * Providers of nodes put their key into the URL.
     */
    | { readonly is: 'own'; readonly rpc: Secret; readonly key: Secret; readonly usdPerEth: number }
  /** The most that one payment may be, and that all buyers together may have unspent. */
  readonly maxPayment: MicroUsd
  readonly maxOutstanding: MicroUsd
}

/** A header that a facilitator asks for, such as `Authorization`. */
export interface X402Header {
  readonly name: string
  readonly value: Secret
}

/** The kind of one wallet, and the settings that this kind takes. */
export interface WalletSettings extends WalletValues {
  readonly kind: string
  /** Whether this is the default, because no wallet was chosen. */
  readonly unasked?: boolean
}
