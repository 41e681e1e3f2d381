import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import type { Wallet } from './wallet.ts'

/** What an operator may write below `wallet.`. Which of these a kind of wallet takes is in its row. */
export interface WalletValues {
  /** The base of an API, without a slash at its end. */
  readonly url?: string | undefined
  /** Its secret in the form that the row of the kind names. It is not a string, so that nothing prints it. */
  readonly key?: { reveal(): string } | undefined
  /** PEM. Unset: the certificate is one that this machine trusts. */
  readonly tlsCert?: string | undefined
  /** In the order in which they are tried. */
  readonly mints?: readonly string[] | undefined
  /** Sats. */
  readonly payoutAbove?: number | undefined
  readonly maxPerMint?: number | undefined
}

/** What an adapter is given besides its settings. */
export interface Opening {
  /** The ledger's kind of money, null for a new ledger. */
  readonly moneyHint: MoneyKind | null
  readonly world: World
  readonly background: Background
}

/**
 * One kind of wallet: what it takes from the settings, and how it is opened. `kinds.ts` lists them.
 * Configuration, `--help` and `docs/configuration.md` are made of these rows, so a new kind is a folder with
 * a row and a line in that list.
 */
export interface WalletKind {
  /** What stands in the settings: `wallet: lnd`. */
  readonly kind: string
  /** How the kind is named in a message about a wrong kind, in `docs/configuration.md`, and in `--help`. */
  readonly named: { readonly message: string; readonly docs: string; readonly help: string }
  /** The settings below `wallet.` that it takes. Any other setting there is refused. */
  readonly takes: readonly (keyof WalletValues)[]
  /** Of these, the ones that it cannot do without, and what is said if one is missing. */
  readonly needs: Partial<Readonly<Record<keyof WalletValues, string>>>
  /** What `wallet.key` holds: a macaroon, which comes as hex, or one line of text. */
  readonly key: 'macaroon' | 'text' | null
  /** Why the setting `payout` has no effect; null: earnings are sent there. */
  readonly payoutRefused: string | null
  /** Its sats are worth nothing, so it serves this machine only. */
  readonly isPlay: boolean
  /**
   * Opens it. Throws `WalletUnreachable` or `WalletRefused`. Null for a wallet that lives in the data
   * folder: the daemon puts that one together from its parts.
   */
  readonly open: ((values: WalletValues, opening: Opening) => Promise<Wallet>) | null
}
