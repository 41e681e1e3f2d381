import { assert } from '../../../floor/assert.ts'

/**
 * The fewest amounts of a keyset that make up `sat`, smallest first: sorted, outputs do not tell
 * what is change (NUT-03). `amounts` are the powers of two that `MintAbout` names. Nothing for 0.
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
