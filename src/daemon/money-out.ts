import type { Config } from '../config/config.ts'
import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import type { Books } from '../ledger/open-ledger.ts'
import { writeToken } from '../wallets/ecash/mint/cashu.ts'
import { PayoutRunner } from '../wallets/ecash/spend/melt.ts'
import { startPayout } from '../wallets/ecash/spend/payout.ts'
import { NOTHING_OWED } from '../wallets/ecash/spend/purses.ts'
import { openWalletAdmin, type WalletAdmin } from '../wallets/ecash/spend/wallet-admin.ts'
import { Payouts } from '../wallets/ecash/store/payouts.ts'
import { makeLnurl, parseLightningAddress } from '../wallets/lightning-address/lnurl.ts'
import type { WithdrawalSource } from '../withdrawals/source.ts'
import { ecashSettings } from './configured-wallets.ts'
import { ecashSources, type RestoredEcash, restoredEcash } from './ecash-sources.ts'
import { nameMints } from './name-mints.ts'
import type { EcashParts } from './open-ecash.ts'
import { owedToBuyers } from './owed-to-buyers.ts'
import { ShortMints } from './short-mints.ts'

/** How money leaves the ecash wallet. */
export interface MoneyOut {
  /** Answers `satgate wallet`. */
  readonly admin: WalletAdmin
  /** The mints that buyers are paid back from. None if the folder has no ledger yet. */
  readonly sources: readonly WithdrawalSource[]
  readonly restored: RestoredEcash
  /** Starts automatic payouts to the payout address. Call it once, in a running gate. */
  start(background: Background): { stop(): Promise<void> }
}

/** Composes the parts that take money out. `books` is null if the folder has no ledger yet. */
export function openMoneyOut(
  ecash: Pick<EcashParts, 'store' | 'mints' | 'freeze' | 'swapper'>,
  parts: {
    readonly books: Books | null
    readonly config: Pick<Config, 'wallets' | 'payout'>
    readonly world: World
    readonly say: (event: object) => void
  },
): MoneyOut {
  const { books, config, world, say } = parts
  const { store, mints, freeze, swapper } = ecash
  const owed = async () => (books === null ? NOTHING_OWED : owedToBuyers(books, store))
  const payerParts = {
    ...{ store, swapper, freeze, world, say, payouts: new Payouts(store) },
    mint: (url: string) => mints.find(url)?.mint ?? null,
    lnurl: makeLnurl({ world }),
    money: books?.kind ?? null,
    owed,
  }
  const address = parseLightningAddress(config.payout ?? '')
  const payoutParts = {
    ...payerParts,
    payer: new PayoutRunner(payerParts),
    address: address.ok ? address.value : null,
    above: ecashSettings(config)?.payoutAbove ?? USUAL_ABOVE,
  }
  let nudge = () => {}
  const admin = openWalletAdmin({
    ...payoutParts,
    mints: mints.all.map(({ mint }) => mint.url),
    writeToken,
    polling: { everyMs: 2_000, mostMs: 40_000 },
    nudge: () => nudge(),
  })
  return {
    admin,
    sources: books === null ? [] : ecashSources(ecash, { money: books.kind, world, say }),
    restored: restoredEcash(ecash),
    start(background) {
      const running = startPayout(payoutParts, background)
      nudge = running.nudge
      const urls = mints.all.map(({ mint }) => mint.url)
      const short = new ShortMints({ store, mints: urls, owed, say })
      const looks = background.repeat('what mints owe', LOOK, () => short.look())
      const naming = background.until('names of mints', NAMING, async () => {
        if (books !== null) await nameMints(books, store)
      })
      return {
        async stop() {
          await Promise.all([running.stop(), looks.stop(), naming.stop()])
        },
      }
    },
  }
}

/** ms until the first look whether each mint holds what it owes, and between two looks. */
const LOOK = { first: 20_000, every: 60_000, longest: 600_000 }

/** ms until old deposits are given the names of their mints, and between two tries. */
const NAMING = { first: 1_000, every: 10_000, longest: 600_000 }

/** Sats. For coins that are left from a time when the wallet was ecash. */
const USUAL_ABOVE = 20_000
