import type { World } from '../../../floor/world.ts'
import { isAhead } from '../ahead.ts'
import type { Freeze } from '../freeze.ts'
import type { Mint } from '../mint/mint.ts'
import type { EcashStore } from '../store/store.ts'

export interface SeedCheckParts {
  readonly store: EcashStore
  readonly freeze: Freeze
  readonly world: Pick<World, 'now'>
}

/** The largest coins, whose states are asked for. A hundred fit into one call. */
const COINS = 300

/**
 * Checks, once for each mint before the first withdrawal of a process leaves it, whether the mint
 * knows of something that this folder does not: signed outputs of this seed, or spent coins that
 * count as free here. Then this folder is an older copy, and the freeze is set, because what has left
 * since could leave a second time (threats L13). As long as the mint does not answer, nothing leaves.
 */
export class SeedCheck {
  readonly #parts: SeedCheckParts
  readonly #passed = new Set<string>()

  constructor(parts: SeedCheckParts) {
    this.#parts = parts
  }

  /**
   * Resolves when the mint was checked; the freeze says whether something may leave. Throws the
   * errors of the port to the mint. Call it under `Swapper.alone`.
   */
  async passed(mint: Mint): Promise<void> {
    const { freeze, world } = this.#parts
    if (this.#passed.has(mint.url) || freeze.reason !== null) return
    const what = await this.#knownElsewhere(mint)
    if (what === null) this.#passed.add(mint.url)
    else freeze.set(what, world.now())
  }

  async #knownElsewhere(mint: Mint): Promise<string | null> {
    const { store } = this.#parts
    const { host } = new URL(mint.url)
    const used = store.all('SELECT DISTINCT keyset FROM proofs WHERE mint = ?', mint.url)
    const keysets = new Set([(await mint.about()).keyset, ...used.map((row) => String(row.keyset))])
    for (const keyset of keysets) {
      if (await isAhead(store, keyset, (batch) => mint.restore(batch))) {
        return `${host} knows coins of this seed that this folder does not`
      }
    }
    const coins = store.freeProofs(mint.url).slice(0, COINS)
    const states = coins.length === 0 ? [] : await mint.states(coins)
    return states.includes('spent') ? `Coins at ${host} were spent elsewhere` : null
  }
}
