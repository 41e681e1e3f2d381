import { assert } from '../../../floor/assert.ts'

/**
 * Splits `sat` into as few amounts of a keyset as possible, the smallest first. The order does not
 * show which outputs are change (NUT-03). `amounts` are the powers of two that `MintAbout` names.
 * Empty for 0.
 */
export function splitSats(sat: number, amounts: readonly number[]): number[] {
  assert(Number.isSafeInteger(sat) && sat >= 0, `${sat} sat cannot be split`)
  const split: number[] = []
  let rest = sat
  for (const amount of amounts.toSorted((a, b) => b - a)) {
    for (; rest >= amount; rest -= amount) split.unshift(amount)
  }
  assert(rest === 0, 'the amounts of a keyset make up every number of sats')
  return split
}
