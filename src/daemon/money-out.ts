import type { Config } from '../config/config.ts'
import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import type { Books } from '../ledger/open-ledger.ts'
import { ceilSat } from '../money/msat.ts'
import { writeToken } from '../wallets/ecash/mint/cashu.ts'
import { PayoutRunner } from '../wallets/ecash/spend/melt.ts'
import { startPayout } from '../wallets/ecash/spend/payout.ts'
import { openWalletAdmin, type WalletAdmin } from '../wallets/ecash/spend/wallet-admin.ts'
import { Payouts } from '../wallets/ecash/store/payouts.ts'
import type { EcashStore } from '../wallets/ecash/store/store.ts'
import { makeLnurl, parseLightningAddress } from '../wallets/lightning-address/lnurl.ts'
import type { WithdrawalSource } from '../withdrawals/source.ts'
import { ecashSettings } from './configured-wallets.ts'
import { ecashSources, type RestoredEcash, restoredEcash } from './ecash-sources.ts'
import type { EcashParts } from './open-ecash.ts'

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
  const payerParts = {
    ...{ store, swapper, freeze, world, say, payouts: new Payouts(store) },
    mint: (url: string) => mints.find(url)?.mint ?? null,
    lnurl: makeLnurl({ world }),
    money: books?.kind ?? null,
    owedSat: async () => (books === null ? 0 : owedToBuyers(books, store)),
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
      return running
    },
  }
}

/** Sats. For coins that are left from a time when the wallet was ecash. */
const USUAL_ABOVE = 20_000

/** After so many credited payments in a row, older payments are taken to be credited too. */
const ENOUGH = 50
const PAGE = 100

/**
 * Sats that are owed to buyers, rounded up: their unspent paid-in credit, and payments whose coins
 * are here although the ledger has not credited them yet.
 */
export async function owedToBuyers(books: Books, store: EcashStore): Promise<number> {
  let owed = ceilSat(await books.statement.owed())
  let credited = 0
  for (let before = Number.MAX_SAFE_INTEGER; credited < ENOUGH; ) {
    const sql = `SELECT hash, sat, settled_n FROM quotes WHERE settled_n < ?
      ORDER BY settled_n DESC LIMIT ?`
    const rows = store.all(sql, before, PAGE)
    for (const { hash, sat } of rows) {
      const invoice = await books.invoices.get(String(hash))
      if (invoice !== null && invoice.settledAt === null) owed += Number(sat)
      credited = invoice !== null && invoice.settledAt === null ? 0 : credited + 1
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return owed
    before = Number(last.settled_n)
  }
  return owed
}
