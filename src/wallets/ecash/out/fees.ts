import type { Mint, Proof } from '../mint/mint.ts'

/** What it costs to spend coins at one mint (NUT-02): each input costs its keyset's ppk / 1000 sat. */
export interface Fees {
  /** Sats for spending these together, rounded up once. */
  of(coins: readonly Pick<Proof, 'keyset'>[]): number
  /** What is left of these coins once they are spent; 0 where they are not worth it. */
  net(coins: readonly Pick<Proof, 'keyset' | 'amount'>[]): number
  /** Whether a coin is worth more than spending it costs. */
  worth(coin: Pick<Proof, 'keyset' | 'amount'>): boolean
}

/** Asks the mint for the fees of the keysets of these coins, and of `also`. */
export async function feesAt(
  mint: Mint,
  coins: readonly Pick<Proof, 'keyset'>[],
  also?: string,
): Promise<Fees> {
  const keysets = new Set([...coins.map(({ keyset }) => keyset), ...(also ? [also] : [])])
  const ppk = new Map<string, number>()
  for (const keyset of keysets) {
    // The fee of a thousand inputs in sat is that of one in thousandths.
    ppk.set(keyset, await mint.feeFor(Array.from({ length: 1000 }, () => ({ keyset }))))
  }
  const of: Fees['of'] = (some) =>
    Math.ceil(some.reduce((sum, { keyset }) => sum + (ppk.get(keyset) ?? 0), 0) / 1000)
  return {
    of,
    net: (some) => Math.max(0, sumOf(some) - of(some)),
    worth: ({ keyset, amount }) => amount * 1000 > (ppk.get(keyset) ?? 0),
  }
}

/** Sats of these coins together. */
export const sumOf = (coins: readonly Pick<Proof, 'amount'>[]): number =>
  coins.reduce((sum, { amount }) => sum + amount, 0)

/** Coins in one request at most: mints bound what they take, and what it costs to check. */
export const MOST_INPUTS = 100

/** What a mint sets aside for the fees of a Lightning payment is guessed as 1 %, 2 sat at least. */
const reserveFor = (sat: number): number => Math.max(2, Math.ceil(sat / 100))

/** Coins that a swap into the fewest makes, at most: one for each power of two. */
const MADE_BY_SWAP = 20

/**
 * What could leave of these coins: less the fees for spending them, in several steps where they are
 * many, and less what a mint sets aside for a Lightning payment. An estimate, on the low side.
 */
export function netOf(coins: readonly Proof[], fees: Fees): number {
  const good = coins.filter(fees.worth)
  const steps = 1 + Math.ceil(Math.max(0, good.length - MOST_INPUTS) / (MOST_INPUTS - MADE_BY_SWAP))
  const dearest = good.toSorted((a, b) => fees.of([b]) - fees.of([a])).slice(0, 1)
  const made = Array.from({ length: MADE_BY_SWAP * steps }, () => dearest).flat()
  const left = fees.net(good) - fees.of(made)
  return Math.max(0, left - reserveFor(left))
}

/** The same without Lightning: what could leave as ecash. */
export const tokenNetOf = (coins: readonly Proof[], fees: Fees): number =>
  fees.net(coins.filter(fees.worth))

/**
 * The fewest of these coins, biggest first, that leave at least `need` sat once they are spent; null
 * where `MOST_INPUTS` of them do not.
 */
export function pick(coins: readonly Proof[], need: number, fees: Fees): readonly Proof[] | null {
  const good = coins.filter(fees.worth).toSorted((a, b) => b.amount - a.amount)
  for (let count = 1; count <= Math.min(good.length, MOST_INPUTS); count += 1) {
    const some = good.slice(0, count)
    if (fees.net(some) >= need) return some
  }
  return null
}

/** Coins of exactly these amounts; null where one is missing. */
export function match(
  coins: readonly Proof[],
  amounts: readonly number[],
): readonly Proof[] | null {
  const left = [...coins]
  const found: Proof[] = []
  for (const amount of amounts) {
    const at = left.findIndex((coin) => coin.amount === amount)
    const coin = left[at]
    if (coin === undefined) return null
    found.push(coin)
    left.splice(at, 1)
  }
  return found
}
