import { isLoopback } from '../floor/address.ts'
import { assert } from '../floor/assert.ts'
import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import { openEcashWallet } from '../wallets/ecash/ecash.ts'
import { Freeze } from '../wallets/ecash/freeze.ts'
import { openMint } from '../wallets/ecash/mint/cashu.ts'
import { normalMintUrl } from '../wallets/ecash/mint/url.ts'
import { MintRateLimit } from '../wallets/ecash/mint-rate-limit.ts'
import { type KnownMint, Mints } from '../wallets/ecash/mints.ts'
import { AcceptedMints } from '../wallets/ecash/receive/accepted-mints.ts'
import { EcashReceiver } from '../wallets/ecash/receive/receiver.ts'
import { TokenRows } from '../wallets/ecash/receive/token-rows.ts'
import { Swapper } from '../wallets/ecash/spend/swap.ts'
import type { EcashStore } from '../wallets/ecash/store/store.ts'
import type { TokenReceiver } from '../wallets/receiver.ts'
import { type Wallet, WalletUnreachable } from '../wallets/wallet.ts'
import { type EcashFolder, openEcashFolder } from './ecash-folder.ts'

/** The parts of the ecash wallet, for code that spends its coins. */
export interface EcashParts {
  readonly folder: EcashFolder
  readonly store: EcashStore
  readonly mints: Mints
  readonly freeze: Freeze
  /** Whoever chooses coins shares it, because it keeps two from choosing the same ones. */
  readonly swapper: Swapper
}

type Say = (event: object) => void

/**
 * Opens seed, coins and mints of a data folder; asks no mint anything. `mints` make invoices; of
 * `others`, only tokens are taken. Throws `Failed`.
 */
export async function ecashParts(
  path: string,
  {
    mints,
    others = [],
  }: { readonly mints: readonly string[]; readonly others?: readonly string[] },
  { world, say }: { readonly world: World; readonly say: Say },
): Promise<EcashParts> {
  const folder = openEcashFolder(path, world)
  const { store, seed } = folder
  const configured = mints.map(normal)
  // Mints of earlier settings get no new invoices, but they still hold what they were paid.
  const urls = [...new Set([...configured, ...others.map(normal), ...store.mints()])]
  const open = async (url: string): Promise<KnownMint> => ({
    mint: await openMint({ url, seed, world }),
    rateLimit: new MintRateLimit(world, !isNear(url)),
    sells: configured.includes(url),
  })
  const all = await Promise.all(urls.map(open))
  const freeze = new Freeze(store, () =>
    say({ event: 'problem', what: 'seed_elsewhere', fix: 'satgate wallet restore' }),
  )
  const swapper = new Swapper({ store, freeze, world })
  return { folder, store, mints: new Mints({ all, store, world, say }), freeze, swapper }
}

function normal(text: string): string {
  const url = normalMintUrl(text)
  assert(url !== null, 'the settings take addresses of mints only')
  return url
}

/** The part of an ecash wallet that takes tokens, of those mints. */
export function tokenReceiver(
  { store, mints, freeze }: Pick<EcashParts, 'store' | 'mints' | 'freeze'>,
  parts: {
    readonly urls: readonly string[]
    readonly maxPerMint: number
    readonly money: MoneyKind
    readonly world: World
    readonly background: Background
    readonly say: Say
  },
): TokenReceiver {
  const rows = new TokenRows(store)
  const accepted = new AcceptedMints({
    ...{ ...parts, store, rows, mints },
    urls: [...new Set(parts.urls.map(normal))],
  })
  return new EcashReceiver({ ...parts, store, rows, mints, accepted, freeze })
}

/**
 * Opens the ecash wallet. If no mint answers and the ledger is new, mints on the internet are
 * assumed to hold real money. The first invoice is checked for that all the same.
 */
export async function ecashWallet(
  parts: EcashParts,
  config: {
    readonly maxPerMint: number
    readonly kept: MoneyKind | null
    readonly background: Background
  },
  world: World,
): Promise<Wallet> {
  const { store, mints, freeze } = parts
  const { maxPerMint, kept, background } = config
  const options = { store, mints, freeze, world, background, maxPerMint, patienceMs: START_WITHIN }
  const money = kept === 'play' ? null : kept
  try {
    return await openEcashWallet({ ...options, money })
  } catch (error) {
    const far = mints.all.every(({ mint }) => !isNear(mint.url))
    if (!(error instanceof WalletUnreachable && far)) throw error
    return openEcashWallet({ ...options, money: 'real' })
  }
}

/** ms that a start waits until a mint tells which kind of money it holds. */
const START_WITHIN = 6_000

/** A mint on this machine needs no rate limit. */
const isNear = (url: string): boolean => isLoopback(new URL(url).hostname)
