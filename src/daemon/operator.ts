import type { Config } from '../config/config.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import type { Pricing } from '../money/pricing.ts'
import type { NamedWallet } from '../wallets/wallet-list.ts'
import type { FoundBackend } from './backend.ts'
import type { TunnelChoice } from './tunnel-choice.ts'

/** Receives the facts about a running gate, as values. The implementation prints them. */
export interface Operator {
  /** Something happened. */
  say(event: object): void
  /** The gate serves requests from now on. */
  ready(about: Ready): void
  /** Background that a person needs before a question. */
  explain(text: string): void
  /** Events that were dropped since the start, because nobody took them. */
  dropped(): number
  /** Resolves when every event is written, or with false if that takes too long. */
  drained(): Promise<boolean>
}

/** The facts about a gate at the moment when it is ready. */
export interface Ready {
  readonly config: Config
  readonly backend: FoundBackend
  readonly pricing: Pricing
  /** The URL for this machine. */
  readonly url: string
  /** As configured, or the tunnel's; null: nobody said one. */
  readonly publicUrl: string | null
  readonly tunnel: { readonly state: 'open' | 'down' | 'off'; readonly why: TunnelChoice['why'] }
  /** In the order in which they are asked for invoices. */
  readonly wallets: readonly NamedWallet[]
  readonly money: MoneyKind
  readonly notes: readonly string[]
}
