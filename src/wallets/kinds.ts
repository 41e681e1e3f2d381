import { cln } from './cln/kind.ts'
import { ecash } from './ecash/kind.ts'
import type { WalletKind } from './kind.ts'
import { lnbits } from './lnbits/kind.ts'
import { lnd } from './lnd/kind.ts'
import { nwc } from './nwc/kind.ts'
import { phoenixd } from './phoenixd/kind.ts'
import { play } from './play/kind.ts'

/** The wallets of this version. A new one is a folder with a row of this type, and a line here. */
export const KINDS: readonly WalletKind[] = [ecash, cln, lnbits, lnd, nwc, phoenixd, play]

/** The wallet that is used if the operator chose none. */
export const USUAL: WalletKind = ecash

/** The row of a kind. The settings accept only kinds that have one. */
export const kindOf = (kind: string): WalletKind | undefined =>
  KINDS.find((one) => one.kind === kind)
