import type { Mint } from './mint/mint.ts'
import type { EcashStore } from './store/store.ts'

/** How many counters are checked: more than a sale uses, and few enough for one call. */
const AHEAD = 25

/**
 * Whether the mint has signed outputs of this seed that are beyond our counter. Then another wallet
 * uses the same seed, or this folder is older than what was done with it.
 */
export async function isAhead(
  store: EcashStore,
  keyset: string,
  restore: Mint['restore'],
): Promise<boolean> {
  for (;;) {
    const counter = store.counter(keyset)
    const found = await restore({ keyset, counter, amounts: Array(AHEAD).fill(0) })
    if (found.length === 0) return false
    // A payout of ours may have made outputs meanwhile. Those are not from another wallet.
    if (store.counter(keyset) === counter) return true
  }
}
