import type { Config } from '../config/config.ts'
import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import type { TokenReceiver } from '../wallets/receiver.ts'
import type { NamedWallet } from '../wallets/wallet-list.ts'
import { ecashSettings } from './configured-wallets.ts'
import { type EcashParts, ecashParts, tokenReceiver } from './open-ecash.ts'

type Say = (event: object) => void

/** Sats that one mint may hold, if the wallet has no setting for that. */
const MOST_PER_MINT = 200_000

/**
 * Opens the ecash wallet beside another one, if the settings name mints whose tokens are taken. It
 * sells no invoices. What it takes in is the operator's to take out. Throws `Failed`.
 */
export async function openBeside(
  { rails }: Pick<Config, 'rails'>,
  folder: string,
  parts: { readonly world: World; readonly say: Say },
): Promise<EcashParts | null> {
  const others = rails.cashu?.mints ?? null
  return others === null ? null : ecashParts(folder, { mints: [], others }, parts)
}

/**
 * The part that takes tokens. Null if none are taken: because the settings say so, or because a
 * Lightning address is paid directly and nobody asked for tokens.
 */
export function receiverOf(
  config: Pick<Config, 'rails' | 'wallets'>,
  ecash: EcashParts,
  parts: {
    readonly wallets: readonly NamedWallet[]
    readonly money: MoneyKind
    readonly world: World
    readonly background: Background
    readonly say: Say
  },
): TokenReceiver | null {
  const { cashu } = config.rails
  const makes = parts.wallets.some((one) => one.makes && one.wallet.kind === 'ecash')
  if (cashu === null || !(cashu.asked || makes)) return null
  const settings = ecashSettings(config)
  const urls = cashu.mints ?? settings?.mints ?? []
  const maxPerMint = settings?.maxPerMint ?? MOST_PER_MINT
  return tokenReceiver(ecash, { ...parts, urls, maxPerMint })
}
