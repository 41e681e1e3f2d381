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

  /** `at` is in ms since the epoch. */
  set(what: string, at: number): void {
    if (this.reason !== null) return
    this.#store.atomically(() => {
      this.#store.setFact(FACT, `${what}. ${WHAT_TO_DO}`)
      this.markRestored(at)
    })
    this.#onSet()
  }

  /** Called when stock was taken. */
  clear(): void {
    this.#store.setFact(FACT, null)
  }

  /**
   * Since when (ms since the epoch) this folder is surely not an older copy, if it was one. What
   * buyers withdrew before that may be unknown here, and their credit may be here all the same. So
   * credit from before that does not leave until the operator says so (threats L13). Null if nothing
   * is known of a restore, or the operator has confirmed it.
   */
  get restored(): { readonly since: number } | null {
    const since = this.#store.fact(RESTORED)
    return since === null ? null : { since: Number(since) }
  }

  /** This folder was an older copy until now. */
  markRestored(at: number): void {
    this.#store.setFact(RESTORED, String(at))
  }

  /** The operator lets credit from before the restore leave. */
  confirm(): void {
    this.#store.setFact(RESTORED, null)
  }
}

const FACT = 'seed_elsewhere'
const RESTORED = 'restored_at'

const WHAT_TO_DO =
  'Another gate runs on a copy of this data folder, or this folder is an older backup. Stop the other gate, then run: satgate wallet restore'
