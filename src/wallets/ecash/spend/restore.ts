import { isOfMint, type Mint, type Proof } from '../mint/mint.ts'
import { sumOf } from './fees.ts'
import type { WalletAdminParts } from './wallet-admin-parts.ts'

/** What was found at one mint. Amounts in sats. */
export interface Restored {
  readonly mint: string
  /** Unspent coins of this seed that the folder did not have. */
  readonly added: number
  /** Coins that the folder had and that are spent at the mint. */
  readonly gone: number
  readonly holds: number
  /** Why it could not be done. Null if it was done. */
  readonly problem: string | null
}

/**
 * How many outputs are asked for at once (NUT-09). Making one takes some 5 ms, and streams continue
 * meanwhile. Three hundred outputs without a coin end a keyset (NUT-13).
 */
const AT_ONCE = 25
const MOST_EMPTY = 300 / AT_ONCE
/** The progress is reported after so many outputs. */
const TOLD = 100

/**
 * Takes stock. At each mint it finishes what was sent, asks for every output of the seed from the
 * first one on (NUT-13), takes coins that are unspent and not here yet, drops coins that are spent,
 * and moves the counters past what was found. When this is done at all mints, the freeze is over. A
 * mint that is gone for good would keep the freeze for ever; with `yes` it ends all the same.
 *
 * If something was found that this folder did not know, credit from before does not leave yet, because
 * the mint cannot tell which buyer withdrew since the backup (threats L13). Only a `yes` after stock
 * was taken, when the operator has seen what is missing, lets it leave.
 */
export async function restoreAll(
  parts: WalletAdminParts,
  { yes, told }: { readonly yes: boolean; readonly told: (progress: string) => void },
): Promise<readonly Restored[]> {
  const { store, freeze, world } = parts
  const shown = freeze.reason === null && freeze.restored !== null
  const urls = [...new Set([...parts.mints, ...store.mints()])]
  const all: Restored[] = []
  for (const url of urls) all.push(await restockAt(parts, url, told))
  const older = all.some(({ added, gone }) => added + gone > 0)
  store.atomically(() => {
    if (older) freeze.markRestored(world.now())
    else if (yes && shown) freeze.confirm()
    if (yes || all.every(({ problem }) => problem === null)) freeze.clear()
  })
  const held = freeze.restored
  if (held !== null) told(keptBack(held.since))
  else if (shown) told('buyers can withdraw all of their credit again')
  return all
}

const keptBack = (since: number): string =>
  `buyers cannot withdraw what they paid in before ${new Date(since).toISOString()}: what left since the backup would leave a second time. To let them all the same: satgate wallet restore --yes`

async function restockAt(
  parts: WalletAdminParts,
  url: string,
  told: (progress: string) => void,
): Promise<Restored> {
  const { store } = parts
  const mint = parts.mint(url)
  const holding = () => {
    const found = store.holdings().find((one) => one.mint === url)
    return (found?.free ?? 0) + (found?.held ?? 0)
  }
  const nothing = { mint: url, added: 0, gone: 0 }
  if (mint === null) {
    return { ...nothing, holds: holding(), problem: 'not one of this wallet’s mints' }
  }
  try {
    await finishSent(parts, mint)
    let added = 0
    for (const keyset of await mint.keysets()) added += await scan(parts, { mint, keyset, told })
    const gone = await dropSpent(parts, mint)
    return { mint: url, added, gone, holds: holding(), problem: null }
  } catch (error) {
    if (!isOfMint(error)) throw error
    return { ...nothing, holds: holding(), problem: error.message }
  }
}

/** Finishes only what the journal says was sent. Nothing else is sent (threats I11). */
async function finishSent({ store, swapper }: WalletAdminParts, mint: Mint): Promise<void> {
  await swapper.recoverAll(mint)
  for (const batch of store.sentBatches(mint.url)) {
    if (batch.kind !== 'mint') continue
    const coins = await mint.restore(batch)
    if (coins.length === batch.amounts.length) store.finishBatch(batch, coins)
  }
}

interface Scanned {
  readonly mint: Mint
  readonly keyset: string
  readonly told: (progress: string) => void
}

/** Takes the coins of one keyset. Returns the sats that were added. */
async function scan({ store }: WalletAdminParts, { mint, keyset, told }: Scanned): Promise<number> {
  let added = 0
  let empty = 0
  for (let counter = 0; empty < MOST_EMPTY || counter < store.counter(keyset); ) {
    const amounts = Array.from({ length: AT_ONCE }, () => 0)
    const found = await mint.restore({ keyset, counter, amounts })
    counter += AT_ONCE
    empty = found.length === 0 ? empty + 1 : 0
    if (found.length > 0) {
      store.skipTo(keyset, counter)
      added += await take(store, mint, found)
    }
    if (counter % TOLD > 0) continue
    told(`${new URL(mint.url).host}: looked at ${counter} outputs, ${added} sat found`)
  }
  return added
}

/** Takes the coins that are unspent and not here. */
async function take(
  store: WalletAdminParts['store'],
  mint: Mint,
  found: readonly Proof[],
): Promise<number> {
  const unknown = found.filter(
    ({ secret }) => store.get('SELECT 1 FROM proofs WHERE secret = ?', secret) === null,
  )
  if (unknown.length === 0) return 0
  const states = await mint.states(unknown)
  const unspent = unknown.filter((_, at) => states[at] === 'unspent')
  store.atomically(() => store.addProofs(mint.url, unspent))
  return sumOf(unspent)
}

/** Drops coins that counted as free here and are spent at the mint. Returns their sats. */
async function dropSpent({ store }: WalletAdminParts, mint: Mint): Promise<number> {
  const free = store.freeProofs(mint.url)
  if (free.length === 0) return 0
  const states = await mint.states(free)
  const spent = free.filter((_, at) => states[at] === 'spent')
  store.markSpent(spent)
  return sumOf(spent)
}
