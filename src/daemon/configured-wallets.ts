import type { Config, WalletSettings } from '../config/config.ts'
import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import type { Wallet } from '../wallets/wallet.ts'

type Configured = Pick<Config, 'wallets'>

/** The settings of the ecash wallet. Undefined if it is not configured. */
export const ecashSettings = ({ wallets }: Configured): WalletSettings | undefined =>
  wallets.find(({ kind }) => kind === 'ecash')

/** The kinds of the wallets, in words: `lnd and ecash`. */
export const kindsOf = ({ wallets }: Configured): string =>
  wallets.map(({ kind }) => kind).join(' and ')

/** The answer of the commands about wallets if there is none. */
export const NO_WALLET =
  'this gate has no wallet: it is paid in dollars (rails.x402), which go to its payTo address without passing through it. What came in: satgate earnings'

/** What opening wallets needs. */
export interface Choosing {
  /** The data folder. */
  readonly folder: string
  /** The ledger's kind of money, null for a new ledger. */
  readonly kept: MoneyKind | null
  readonly say: (event: object) => void
  /**
   * Called with the first wallet and the reason when the start waits for a wallet. The returned
   * function is called when the wait is over.
   */
  readonly waiting: (name: string, reason: string) => () => void
  readonly world: World
  readonly background: Background
}

/** A wallet of the settings that is not open yet. */
export interface ConfiguredWallet {
  /** For messages: `lnd at host:8080`. */
  readonly name: string
  readonly kind: string
  /** Where it is reached. Null for a wallet in the data folder. */
  readonly at: string | null
  /** False for a wallet that only answers for invoices that it made earlier. */
  readonly makes: boolean
  open(hint: MoneyKind | null): Promise<Wallet>
}

/** A wallet of the settings that is open. */
export type OpenedWallet = ConfiguredWallet & { readonly wallet: Wallet }
