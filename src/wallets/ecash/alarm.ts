import type { EcashStore } from './store/store.ts'

/**
 * Raised when somebody else uses this seed or a copy of these coins: two wallets on one seed make the
 * same coins, and the mint signs them once (threats I11). Nothing is sold or spent from then on, over
 * restarts too, until `satgate wallet restore` has taken stock.
 */
export class Alarm {
  readonly #store: EcashStore
  readonly #onRaised: () => void

  constructor(store: EcashStore, onRaised: () => void = () => {}) {
    this.#store = store
    this.#onRaised = onRaised
  }

  /** Why it was raised, for the operator; null while all is well. */
  get raised(): string | null {
    return this.#store.fact(FACT)
  }

  raise(what: string): void {
    if (this.raised !== null) return
    this.#store.setFact(FACT, `${what}. ${WHAT_TO_DO}`)
    this.#onRaised()
  }

  /** After stock was taken. */
  clear(): void {
    this.#store.setFact(FACT, null)
  }
}

const FACT = 'seed_elsewhere'

const WHAT_TO_DO =
  'Another gate runs on a copy of this data folder, or this folder is an older backup. Stop the other gate, then run: satgate wallet restore'
