import { BrokenBelief } from '../floor/assert.ts'

/** Everything that a price can be put on, in the order in which prices and usage name it. */
export const QUANTITIES = [
  'input',
  'cached',
  'cacheWrite',
  'output',
  'image',
  'second',
  'character',
  'byte',
  'call',
] as const

export type Quantity = (typeof QUANTITIES)[number]

/**
 * How much of each thing a request used. A quantity that is missing is zero, but for `call`: a
 * request is one call unless it says otherwise. `cached` tokens, which the backend had in its prompt
 * cache, are a part of the `input` tokens, and `cacheWrite` tokens, which it wrote into it, are another.
 * Reasoning counts as `output`.
 */
export type Quantities = Readonly<Partial<Record<Quantity, number>>>

/** Input and output tokens together. */
export const tokensOf = ({ input = 0, output = 0 }: Quantities): number => input + output

/** Calls that a request is. */
export const callsOf = ({ call = 1 }: Quantities): number => call

/** Both together. Neither names calls unless one of them does. */
export function sum(a: Quantities, b: Quantities): Quantities {
  const both: Partial<Record<Quantity, number>> = {}
  for (const name of QUANTITIES) {
    if (a[name] !== undefined || b[name] !== undefined) both[name] = (a[name] ?? 0) + (b[name] ?? 0)
  }
  return both
}

/** Quantities are counted: a fraction or a number below zero is a mistake in our own code. */
export function checkQuantities(quantities: Quantities): void {
  for (const name in quantities) {
    const count = quantities[name as Quantity]
    if (count === undefined || (Number.isSafeInteger(count) && count >= 0)) continue
    throw new BrokenBelief(`no count of ${name}: ${count}`)
  }
}

/** What a quantity is called where its sum is shown, in answers, events and tables. */
const SHOWN = {
  image: 'images',
  second: 'seconds',
  character: 'characters',
  byte: 'bytes',
  call: 'calls',
} as const

type Shown = keyof typeof SHOWN
const OTHERS = Object.keys(SHOWN) as readonly Shown[]
/** Everything that `othersShown` may name, in its order. */
export const SHOWN_NAMES: readonly (keyof OthersShown)[] = OTHERS.map((name) => SHOWN[name])

export type OthersShown = { [Q in Shown as (typeof SHOWN)[Q]]?: number }

/** All that is not a token, by the names that people see. Most requests have none of it. */
export function othersShown(quantities: Quantities): Readonly<OthersShown> {
  const shown: OthersShown = {}
  for (const name of OTHERS) {
    const count = quantities[name] ?? 0
    if (count > 0) shown[SHOWN[name]] = count
  }
  return shown
}
