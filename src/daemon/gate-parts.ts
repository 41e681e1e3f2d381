import type { Config } from '../config/config.ts'
import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import type { Say, Upstream } from '../gate/ports.ts'
import type { Routes } from '../gate/route.ts'
import type { Targets } from '../gate/targets.ts'
import type { ModelList } from '../http/models.ts'
import type { Books } from '../ledger/open-ledger.ts'
import type { TokenCounter } from '../money/counter.ts'
import type { UsdPerBtc } from '../money/parse.ts'
import type { Pricing } from '../money/pricing.ts'
import type { RootKeys } from '../passes/write.ts'
import type { Rail } from '../rails/rail.ts'
import type { PlayWallet } from '../wallets/play/play.ts'
import type { TokenReceiver } from '../wallets/receiver.ts'
import type { NamedWallet } from '../wallets/wallet-list.ts'
import type { FoundBackend } from './backend.ts'
import type { EcashSources } from './compose-withdrawals.ts'
import type { X402Parts } from './open-x402.ts'

/** Everything that a gate is made of. `compose` knows only ports, so a test can replace each part. */
export interface GateParts {
  readonly config: Config
  readonly books: Books
  readonly keys: RootKeys
  /** In the order in which they are asked for invoices. */
  readonly wallets: readonly NamedWallet[]
  /** The only wallet, if it is play money, whose invoices the gate itself can pay. */
  readonly play: Pick<PlayWallet, 'pay'> | null
  /** Takes tokens of buyers. Null if none are taken. */
  readonly receiver?: TokenReceiver | null
  /** The mints that buyers are paid back from. Null without an ecash wallet. */
  readonly ecash?: EcashSources | null
  /** The data folder is a copy or a restored backup (threats L13). */
  readonly copied?: boolean
  /** Takes dollars. Null or not set if none are taken. */
  readonly x402?: Pick<X402Parts, 'facilitator' | 'payments' | 'reconciler'> | null
  /** Ways to be paid, besides those of `compose-rails.ts`. */
  readonly rails?: readonly Rail[]
  readonly upstream: Upstream
  readonly models: ModelList
  /** The address of the upstream, and the text for its failures. For the operator only. */
  readonly backend: Pick<FoundBackend, 'url' | 'explain'>
  /** The routes. `targets` is the upstream, for routes that are sent there. */
  readonly routes: (targets: Targets) => Routes
  readonly pricing: Pricing
  /** What a bitcoin costs now. Null if nobody can say. Not set if nothing needs it. */
  readonly usdPerBtc?: () => UsdPerBtc | null
  readonly world: World
  /** Counts prompts; it is closed with the gate. */
  readonly counter: TokenCounter
  readonly background: Background
  readonly say: Say
  readonly ownUrl: () => string
}
