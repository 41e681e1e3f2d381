import { assert } from '../floor/assert.ts'
import type { Offer } from '../rails/rail.ts'

/**
 * What the last 402 with a shared invoice had beside its error, as JSON. All others with that
 * invoice, that origin and other offers that say the same have the same, but for the macaroon.
 */
export class KeptBeside {
  #of: object | null = null
  #origin = ''
  #others: readonly Offer[] = []
  #before = ''
  #after = ''

  /** The JSON for this copy. `make` makes its value, if it is not the one that is kept. */
  of(
    { of, own }: NonNullable<Offer['copy']>,
    { origin, others }: { readonly origin: string; readonly others: readonly Offer[] },
    make: () => object,
  ): string {
    const same = of === this.#of && origin === this.#origin && isSame(others, this.#others)
    if (same) return `${this.#before}${own}${this.#after}`
    const json = JSON.stringify(make())
    const [before = '', after = '', ...more] = json.split(own)
    assert(more.length === 0 && after !== '', 'a copy has its own text once in its body')
    this.#of = of
    this.#origin = origin
    this.#others = others
    this.#before = before
    this.#after = after
    return json
  }
}

/** Whether these offers say the same in a body. Their challenges and headers do not stand there. */
const isSame = (some: readonly Offer[], others: readonly Offer[]): boolean =>
  some.length === others.length &&
  some.every(({ accepts, body, howToPay }, at) => {
    const other = others[at]
    return accepts === other?.accepts && body === other.body && howToPay === other.howToPay
  })
