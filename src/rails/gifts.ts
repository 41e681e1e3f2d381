import { assert } from '../floor/assert.ts'
import { err } from '../floor/result.ts'
import { fromSat } from '../money/msat.ts'
import { hex } from '../passes/write.ts'
import type { Credited, Rail, Receipt } from './rail.ts'

const NO_OFFER = err({ why: 'nothing' } as const)

/**
 * The rail of what the operator gives away. It offers nothing, and nobody presents a gift. The
 * credit is a bonus: it buys answers, and is never paid out (threats I1).
 */
export class Gifts implements Rail<never> {
  readonly name = 'gift'
  readonly reads = []
  readonly writes = []
  readonly #random: (bytes: number) => Uint8Array
  #learned: ((receipt: Receipt) => Promise<Credited>) | null = null

  constructor(random: (bytes: number) => Uint8Array) {
    this.#random = random
  }

  read = () => ({ is: 'absent' }) as const
  offer = () => NO_OFFER
  redeem = async () => err('unknown' as const)

  start(learned: (receipt: Receipt) => Promise<Credited>) {
    this.#learned = learned
    return { stop: async () => {} }
  }

  /** Opens an account with that credit. `caveats` must be canonical. */
  give(sats: number, caveats: readonly string[]): Promise<Credited> {
    assert(this.#learned !== null, 'a rail is started before it is used')
    const amount = fromSat(sats)
    // The id tells two passes with the same limits apart.
    const id = caveats.length === 0 ? [] : [`id = ${hex(this.#random(8))}`]
    return this.#learned({
      payment: `grant:${hex(this.#random(32))}`,
      account: { opens: [...id, ...caveats] },
      amount,
      credit: 'bonus',
      rail: this.name,
      native: { amount: String(amount), unit: 'msat', rate: '1' },
      headers: null,
      record: null,
    })
  }
}
