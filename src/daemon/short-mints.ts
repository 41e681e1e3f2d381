import type { Owed } from '../wallets/ecash/spend/purses.ts'
import type { EcashStore } from '../wallets/ecash/store/store.ts'

interface ShortMintsParts {
  readonly store: Pick<EcashStore, 'holdings'>
  readonly mints: readonly string[]
  readonly owed: () => Promise<Owed>
  readonly say: (event: object) => void
}

/**
 * Reports each mint that holds less than buyers who came in by it are owed, because they are paid back
 * out of it alone (threats L9): once when it begins and once when it ends.
 */
export class ShortMints {
  readonly #parts: ShortMintsParts
  /** Mints that were short at the last look. A withdrawal that is being closed is no problem. */
  #short: ReadonlySet<string> = new Set()
  readonly #told = new Set<string>()

  constructor(parts: ShortMintsParts) {
    this.#parts = parts
  }

  async look(): Promise<void> {
    const { store, mints, owed: ask, say } = this.#parts
    const owed = await ask()
    const holdings = new Map(store.holdings().map((one) => [one.mint, one.free + one.held]))
    const short = new Set<string>()
    for (const mint of mints) {
      const holds = holdings.get(mint) ?? 0
      const about = { what: 'mint_short', mint }
      if (holds >= owed.at(mint)) {
        if (this.#told.delete(mint)) say({ event: 'solved', ...about })
        continue
      }
      short.add(mint)
      if (!this.#short.has(mint) || this.#told.has(mint)) continue
      this.#told.add(mint)
      say({ event: 'problem', ...about, holds_sat: holds, owed_sat: owed.at(mint) })
    }
    this.#short = short
  }
}
