import type { World } from '../floor/world.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import { limitedMint } from '../wallets/ecash/limited-mint.ts'
import { writeToken } from '../wallets/ecash/mint/cashu.ts'
import { sourceOf } from '../wallets/ecash/mint/url.ts'
import { BuyerPayments } from '../wallets/ecash/spend/buyer-payments.ts'
import { BuyerTokens } from '../wallets/ecash/spend/buyer-tokens.ts'
import { SeedCheck } from '../wallets/ecash/spend/seed-check.ts'
import { Payouts } from '../wallets/ecash/store/payouts.ts'
import type { EcashStore } from '../wallets/ecash/store/store.ts'
import type { WithdrawalSource } from '../withdrawals/source.ts'
import type { EcashParts } from './open-ecash.ts'

/**
 * What buyers who came in by a mint are paid back from: each mint of the ecash wallet, also one that
 * is no longer configured and still holds coins. Call it once for each process, because what is under
 * way is kept in memory.
 */
export function ecashSources(
  { store, mints, freeze, swapper }: Pick<EcashParts, 'store' | 'mints' | 'freeze' | 'swapper'>,
  parts: {
    readonly money: MoneyKind
    readonly world: World
    readonly say: (event: object) => void
  },
): readonly WithdrawalSource[] {
  const { world } = parts
  const seedCheck = new SeedCheck({ store, freeze, world })
  const shared = {
    ...{ store, swapper, freeze, seedCheck, writeToken },
    ...{ ...parts, payouts: new Payouts(store), running: new Map() },
  }
  return mints.all.map((known) => {
    const mint = limitedMint(known, mints)
    return {
      source: sourceOf(mint.url),
      lightning: new BuyerPayments(shared, mint),
      ecash: new BuyerTokens(shared, mint),
      held: async () => heldAt(store, mint.url),
    }
  })
}

/** The sats of a mint that are ours, without those of payments that are under way. */
function heldAt(store: EcashStore, mint: string): number {
  const sql = `SELECT coalesce(sum(amount), 0) AS sat FROM proofs
    LEFT JOIN batches ON batches.n = spent_in
    WHERE proofs.mint = ? AND proofs.state <> 'spent' AND coalesce(batches.kind, '') <> 'melt'`
  return Number(store.get(sql, mint)?.sat)
}

/** What an operator is to decide after a backup was restored (threats L13). */
export interface RestoredEcash {
  /**
   * Since when (ms since the epoch) the coins are known to be no older copy. What was withdrawn
   * between the backup and then may be missing here, so credit from before does not leave. Null if
   * nothing was restored, or the operator has confirmed it.
   */
  restored(): { readonly since: number } | null
  /** The operator lets that credit leave. `satgate wallet restore --yes` does it too. */
  confirm(): void
}

export const restoredEcash = ({ freeze }: Pick<EcashParts, 'freeze'>): RestoredEcash => ({
  restored: () => freeze.restored,
  confirm: () => freeze.confirm(),
})
