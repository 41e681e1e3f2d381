import type { Backend } from '../dialects/dialect.ts'
import { assert } from '../floor/assert.ts'
import type { Upstream } from './ports.ts'
import type { Refusal } from './refusal.ts'

/** A backend that requests are sent to. */
export interface Target {
  readonly upstream: Upstream
  /** The kind of backend now. Another program may have taken its place (threats J8). */
  backend(): Backend
  /** Why nothing can be delivered now. Null while the backend is there. */
  gone(): Refusal | null
  /** How many requests it takes at a time. Null if there is no limit. */
  readonly slots: number | null
}

/** The backends of a route. Chooses the backend of a request, and counts the slots. */
export class Targets {
  readonly #target: Target
  #taken = 0

  constructor(target: Target) {
    this.#target = target
  }

  /** Why nothing can be delivered. Null while some backend is there. */
  gone(): Refusal | null {
    return this.#target.gone()
  }

  /** A slot at a backend. Null if all of them are taken. */
  take(): Slot | null {
    if (this.#taken >= (this.#target.slots ?? Number.POSITIVE_INFINITY)) return null
    this.#taken += 1
    return new Slot(this.#target, this)
  }

  /** A slot is free again. Only the slot calls it, once. */
  freed(): void {
    this.#taken -= 1
  }
}

/**
 * The place of one request at a backend. It is taken until the request is given up, or until the
 * backend is done with what was sent.
 */
export class Slot {
  readonly target: Target
  readonly #of: Pick<Targets, 'freed'>
  #state: 'ours' | 'sent' | 'free' = 'ours'

  constructor(target: Target, of: Pick<Targets, 'freed'>) {
    this.target = target
    this.#of = of
  }

  /**
   * Gives the slot back if nothing was sent. If something was sent, the slot stays taken until
   * `released`.
   */
  letGo(): void {
    if (this.#state === 'ours') this.#free()
  }

  /** Something is sent now, so the slot is given back by `released` alone. */
  sent(): void {
    assert(this.#state === 'ours', 'one slot is for one request')
    this.#state = 'sent'
  }

  /** The backend is done with what was sent, and the same request is sent in another form. */
  back(): void {
    if (this.#state === 'sent') this.#state = 'ours'
  }

  /** Where the request takes its slot once more: this one, as long as it is its own. */
  first(targets: Pick<Targets, 'take'>): Pick<Targets, 'take'> {
    let kept: Slot | null = this.#state === 'ours' ? this : null
    return {
      take: () => {
        const slot = kept ?? targets.take()
        kept = null
        return slot
      },
    }
  }

  /** The backend is done with what was sent. */
  released(): void {
    if (this.#state === 'sent') this.#free()
  }

  #free(): void {
    this.#state = 'free'
    this.#of.freed()
  }
}
