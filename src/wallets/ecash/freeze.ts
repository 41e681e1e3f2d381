import type { EcashStore } from './store/store.ts'

/**
 * Set when another wallet uses this seed or a copy of these coins. Two wallets with one seed make
 * the same coins, and the mint signs each coin only once (threats I11). From then on nothing is
 * sold or spent, also after a restart, until `satgate wallet restore` has taken stock.
 */
export class Freeze {
  readonly #store: EcashStore
  readonly #onSet: () => void

  constructor(store: EcashStore, onSet: () => void = () => {}) {
    this.#store = store
    this.#onSet = onSet
  }

  /** Why it was set, for the operator. Null if it is not set. */
  get reason(): string | null {
    return this.#store.fact(FACT)
  }

  set(what: string): void {
    if (this.reason !== null) return
    this.#store.setFact(FACT, `${what}. ${WHAT_TO_DO}`)
    this.#onSet()
  }

  /** Called when stock was taken. */
  clear(): void {
    this.#store.setFact(FACT, null)
  }
}

const FACT = 'seed_elsewhere'

const WHAT_TO_DO =
  'Another gate runs on a copy of this data folder, or this folder is an older backup. Stop the other gate, then run: satgate wallet restore'
