import { isOfMint, type Mint } from '../mint/mint.ts'
import type { EcashStore } from '../store/store.ts'
import { netOf, tokenNetOf } from './fees.ts'
import type { Swapper } from './swap.ts'

/** What buyers are owed, in whole sats, rounded up. */
export interface Owed {
  /** By all mints together, with what is owed for payments of which no mint is known. */
  readonly total: number
  /** By one mint: to those who came in by it. They are paid back out of it alone (threats L9). */
  at(mint: string): number
}

export const NOTHING_OWED: Owed = { total: 0, at: () => 0 }

/** The coins at one mint that answers, in sats. */
export interface Purse {
  readonly mint: Mint
  /** What could leave over Lightning after fees. */
  readonly net: number
  /** What could leave as ecash after fees. */
  readonly tokenNet: number
  /** What of `tokenNet` is not owed to buyers. May be negative. */
  readonly spare: number
}

/** What the operator could take out, and what has to stay for buyers. */
export interface Purses {
  /** Those that answer. Coins of others do not count as cover for what is owed. */
  readonly all: readonly Purse[]
  readonly owed: Owed
  /** The sats of all of them that are not owed to buyers. May be negative. */
  readonly spare: number
  /** The error of a mint that did not answer. */
  readonly trouble: Error | null
}

interface PurseParts {
  readonly store: EcashStore
  readonly swapper: Swapper
  readonly mint: (url: string) => Mint | null
  readonly owed: () => Promise<Owed>
}

/** Asks all mints at once, because one that does not answer takes long. */
export async function pursesOf(parts: PurseParts): Promise<Purses> {
  const mints = parts.store.holdings().flatMap(({ mint }) => parts.mint(mint) ?? [])
  const asked = await Promise.all(mints.map((mint) => netsAt(parts, mint)))
  const owed = await parts.owed()
  const nets = asked.flatMap((one) => (one instanceof Error ? [] : [one]))
  const spare = nets.reduce((sum, { tokenNet }) => sum + tokenNet, 0) - owed.total
  return {
    all: nets.map((one) => {
      const own = one.tokenNet - owed.at(one.mint.url)
      return { ...one, spare: Math.min(spare, own) }
    }),
    ...{ owed, spare },
    trouble: asked.find((one) => one instanceof Error) ?? null,
  }
}

async function netsAt({ swapper }: PurseParts, mint: Mint): Promise<Omit<Purse, 'spare'> | Error> {
  try {
    const { coins, fees } = await swapper.coinsAt(mint)
    return { mint, net: netOf(coins, fees), tokenNet: tokenNetOf(coins, fees) }
  } catch (error) {
    if (isOfMint(error)) return error
    throw error
  }
}
