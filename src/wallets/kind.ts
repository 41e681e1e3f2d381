import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import type { Wallet } from './wallet.ts'

/** The settings below `wallet.`. Each kind of wallet takes some of them; its row says which. */
export interface WalletValues {
  /** The base URL of an API, without a slash at its end. */
  readonly url?: string | undefined
  /**
   * Its secret, in the form that the row of the kind names. It is an object and not a string, so
   * that it cannot be printed by mistake.
   */
  readonly key?: { reveal(): string } | undefined
  /** PEM. If it is not set, only certificates that this machine trusts are accepted. */
  readonly tlsCert?: string | undefined
  /** In the order in which they are tried. */
  readonly mints?: readonly string[] | undefined
  /** Sats. */
  readonly payoutAbove?: number | undefined
  readonly maxPerMint?: number | undefined
}

/** What an adapter gets besides its settings. */
export interface Opening {
  /** The kind of money of the ledger. Null for a new ledger. */
  readonly moneyHint: MoneyKind | null
  readonly world: World
  readonly background: Background
}

/**
 * One kind of wallet: which settings it takes, and how it is opened. `kinds.ts` lists them all. The
 * configuration, `--help` and `docs/configuration.md` are made from these rows, so a new kind is a
 * folder with a row, and a line in that list.
 */
export interface WalletKind {
  /** The value in the settings: `wallet: lnd`. */
  readonly kind: string
  /** Its name in the message about a wrong kind, in `docs/configuration.md`, and in `--help`. */
  readonly named: { readonly message: string; readonly docs: string; readonly help: string }
  /** The settings below `wallet.` that it takes. Any other setting there is refused. */
  readonly takes: readonly (keyof WalletValues)[]
  /** The settings that it requires, each with the message for when it is missing. */
  readonly needs: Partial<Readonly<Record<keyof WalletValues, string>>>
  /**
   * The form of `wallet.key`: a macaroon, which becomes hex, or one line of text. Null if it has no
   * key.
   */
  readonly key: 'macaroon' | 'text' | null
  /** Why the setting `payout` has no effect. Null if earnings are sent there. */
  readonly payoutRefused: string | null
  /** Whether its sats are worth nothing. Such a gate serves this machine only. */
  readonly isPlay: boolean
  /**
   * Opens the wallet. Throws `WalletUnreachable` or `WalletRefused`. Null for a wallet that needs
   * the data folder; the daemon opens that one itself.
   */
  readonly open: ((values: WalletValues, opening: Opening) => Promise<Wallet>) | null
}
