import type { Config } from '../config/config.ts'
import { assert } from '../floor/assert.ts'
import { onLine } from '../floor/printable.ts'
import { sentence } from '../floor/sentence.ts'
import { openLightningAddressWallet } from '../wallets/lightning-address/lightning-address.ts'
import { makeLnurl, parseLightningAddress } from '../wallets/lightning-address/lnurl.ts'
import { type Wallet, WalletRefused, WalletUnreachable } from '../wallets/wallet.ts'
import { type Choosing, type ConfiguredWallet, ecashSettings } from './configured-wallets.ts'
import { Failed } from './failed.ts'
import { type EcashParts, ecashParts, ecashWallet } from './open-ecash.ts'

/** The ecash wallet of the folder, before it is opened. */
export interface EcashChoice {
  readonly parts: EcashParts
  readonly notes: readonly string[]
  /** The wallets to open: ecash, or a Lightning address with the ecash before it. */
  readonly wallets: readonly ConfiguredWallet[]
}

/**
 * The ecash wallet, or a Lightning address that works without it. Coins that were earned before stay
 * in the folder, and so do invoices that can still be paid: then the ecash wallet answers for those,
 * and makes no new ones.
 */
export async function chooseEcash(
  config: Pick<Config, 'wallets' | 'payout' | 'rails'>,
  choosing: Choosing,
): Promise<EcashChoice> {
  const { folder, world, background, say } = choosing
  const { payout } = config
  const settings = ecashSettings(config)
  const { mints = [], maxPerMint } = settings ?? {}
  assert(maxPerMint !== undefined, 'this setting has a default')
  const others = config.rails.cashu?.mints ?? []
  const parts = await ecashParts(folder, { mints, others }, { world, say })
  try {
    const notes = parts.folder.fresh ? [backUp(folder)] : []
    const direct =
      payout === null || settings?.unasked !== true
        ? null
        : await paidDirectly(payout, parts, choosing)
    const ecash = (makes: boolean): ConfiguredWallet => ({
      ...{ name: 'ecash', kind: 'ecash', at: null, makes },
      open: (kept) => ecashWallet(parts, { maxPerMint, kept, background }, world),
    })
    if (direct === null) return { parts, notes, wallets: [ecash(true)] }
    if (typeof direct === 'string') {
      return { parts, notes: [...notes, direct], wallets: [ecash(true)] }
    }
    const address = { name: direct.label, kind: direct.kind, at: null, makes: true }
    const older = parts.store.mints().length === 0 ? [] : [ecash(false)]
    return { parts, notes, wallets: [{ ...address, open: async () => direct }, ...older] }
  } catch (error) {
    parts.folder.close()
    throw error
  }
}

/** Said once, when the seed was made. */
export const backUp = (folder: string): string =>
  `back up ${folder}: its files are your earnings, your buyers' balances and the keys to both`

/**
 * Opens the Lightning address as the wallet. If it does not tell of payments (LUD-21) or does not
 * answer now, earnings are sent to it through the ecash wallet, and the result says why.
 */
async function paidDirectly(
  payout: string,
  { store }: EcashParts,
  { kept, world, background }: Choosing,
): Promise<Wallet | string> {
  const address = parseLightningAddress(payout)
  if (!address.ok) throw new Failed(`--payout ${payout}: ${address.error}`, 2)
  const facts = {
    remember: async (key: string, value: string) => store.setFact(`address:${key}`, value),
    recall: async (key: string) => store.fact(`address:${key}`),
    forget: async (key: string) => store.setFact(`address:${key}`, null),
  }
  const lnurl = makeLnurl({ world })
  const options = {
    address: address.value,
    lnurl,
    store: facts,
    world,
    background,
    moneyHint: kept,
  }
  try {
    const wallet = await openLightningAddressWallet(options)
    if (wallet !== 'no_verify') return wallet
    return `${payout} does not tell of payments by itself: ${BY_WAY}`
  } catch (error) {
    if (error instanceof WalletUnreachable) {
      const why = sentence(onLine(error.reason))
      return `${payout} does not answer now: ${why} In this run ${BY_WAY}`
    }
    if (!(error instanceof WalletRefused)) throw error
    throw new Failed(
      `the payout address ${payout} refuses: ${sentence(onLine(error.reason))} Is it spelled right?`,
      2,
    )
  }
}

const BY_WAY = 'earnings are kept as ecash, and sent there above wallet.payoutAbove'
