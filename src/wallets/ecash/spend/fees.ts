import type { Mint, Proof } from '../mint/mint.ts'
import { splitSats } from '../mint/sats.ts'

/**
 * The fees for spending coins at one mint (NUT-02). Each input costs `ppk / 1000` sat of its
 * keyset.
 */
export interface Fees {
  /** The fee in sats for spending these coins together, rounded up once. */
  of(coins: readonly Pick<Proof, 'keyset'>[]): number
  /** The value of these coins after the fee. 0 if the fee is higher. */
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
    // The fee for a thousand inputs in sats is the fee for one input in thousandths of a sat.
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

/** The sats of these coins together. */
export const sumOf = (coins: readonly Pick<Proof, 'amount'>[]): number =>
  coins.reduce((sum, { amount }) => sum + amount, 0)

/** The most coins in one request. Mints limit them, and checking them takes time. */
export const MOST_INPUTS = 100

/** A guess of the fee reserve for a Lightning payment: 1 %, and at least 2 sat. */
const reserveFor = (sat: number): number => Math.max(2, Math.ceil(sat / 100))

/** The most coins that a swap into as few coins as possible makes: one for each power of two. */
const MADE_BY_SWAP = 20

/**
 * Estimates how much of these coins could leave over Lightning: without the fees for spending them,
 * which takes several steps if there are many, and without the fee reserve of the mint. The
 * estimate is rather too low.
 */
export function netOf(coins: readonly Proof[], fees: Fees): number {
  const good = coins.filter(fees.worth)
  const steps = 1 + Math.ceil(Math.max(0, good.length - MOST_INPUTS) / (MOST_INPUTS - MADE_BY_SWAP))
  const dearest = good.toSorted((a, b) => fees.of([b]) - fees.of([a])).slice(0, 1)
  const made = Array.from({ length: MADE_BY_SWAP * steps }, () => dearest).flat()
  const left = fees.net(good) - fees.of(made)
  return Math.max(0, left - reserveFor(left))
}

/** The same for ecash, without the fee reserve. */
export const tokenNetOf = (coins: readonly Proof[], fees: Fees): number =>
  fees.net(coins.filter(fees.worth))

/**
 * Picks as few of these coins as possible, the largest first, that are worth at least `need` sat
 * after their fee. Null if `MOST_INPUTS` of them are not enough.
 */
export function pick<T extends Coin>(
  coins: readonly T[],
  need: number,
  fees: Fees,
): readonly T[] | null {
  const good = coins.filter(fees.worth).toSorted((a, b) => b.amount - a.amount)
  for (let count = 1; count <= Math.min(good.length, MOST_INPUTS); count += 1) {
    const some = good.slice(0, count)
    if (fees.net(some) >= need) return some
  }
  return null
}

/** What counts of a coin for choosing it. */
type Coin = Pick<Proof, 'keyset' | 'amount'>

/** The most coins that one request takes, the largest first. */
export const topOf = <T extends Coin>(coins: readonly T[], fees: Fees): readonly T[] =>
  coins
    .filter(fees.worth)
    .toSorted((a, b) => b.amount - a.amount)
    .slice(0, MOST_INPUTS)

/**
 * The sats that the swaps cost which make new coins of these amounts together, as `Swapper.fresh`
 * makes them: first into fewer coins, as long as one request does not take enough of them. `keyset`
 * and `amounts` are those of new coins. Null if these coins are not worth it.
 */
export function feeToMake(
  coins: readonly Coin[],
  sat: number,
  {
    keyset,
    amounts,
    fees,
  }: { readonly keyset: string; readonly amounts: readonly number[]; readonly fees: Fees },
): number | null {
  let left = coins
  for (let fee = 0; ; ) {
    const inputs = pick(left, sat, fees)
    if (inputs !== null) return fee + fees.of(inputs)
    const top = topOf(left, fees)
    if (top.length < MOST_INPUTS || fees.net(top) === 0) return null
    fee += fees.of(top)
    const used = new Set(top)
    const made = splitSats(fees.net(top), amounts).map((amount) => ({ keyset, amount }))
    left = [...left.filter((coin) => !used.has(coin)), ...made]
  }
}

/** Finds coins of exactly these amounts. Null if one is missing. */
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
