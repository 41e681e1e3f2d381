import { assert } from '../../../floor/assert.ts'
import type { Proof } from '../mint/mint.ts'
import type { EcashStore } from '../store/store.ts'
import { sumOf } from './fees.ts'

export interface NewToken {
  readonly mint: string
  readonly token: string
  readonly coins: readonly Proof[]
  readonly at: number
  /** The id of a buyer's withdrawal. Null for a token of the operator. */
  readonly id: string | null
  /** What the swaps cost that made its coins, in sats. */
  readonly fee: number
}

/**
 * Keeps a token in the same step in which its coins leave, so that a crash cannot lose both, and
 * returns its value in sats. There is never a second one under an id.
 */
export function keepToken(store: EcashStore, token: NewToken): number {
  const { mint, coins, at, id, fee } = token
  const sat = sumOf(coins)
  store.atomically(() => {
    const free = new Set(store.freeProofs(mint).map(({ secret }) => secret))
    assert(
      coins.every(({ secret }) => free.has(secret)),
      'only free coins leave',
    )
    store.markSpent(coins)
    const secrets = coins.map(({ secret }) => secret).join(' ')
    store.run(
      'INSERT INTO exports (mint, sat, token, secrets, at, id, fee) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...[mint, sat, token.token, secrets, at, id, fee],
    )
  })
  return sat
}
