import type { Backend } from '../dialects/dialect.ts'
import { assert } from '../floor/assert.ts'
import type { Upstream } from './ports.ts'
import type { Refusal } from './refusal.ts'

/** A backend that requests are sent to. */
export interface Target {
  readonly upstream: Upstream
  /** What the backend is now: another one may have taken its place (threats J8). */
  backend(): Backend
  /** Why nothing can be delivered now. Null while the backend is there. */
  gone(): Refusal | null
  /** How many requests it takes at a time. Null: any number. */
  readonly slots: number | null
}

/** The backends of a route. It chooses the one that a request is sent to, and counts its slots. */
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
    return new Slot(this.#target, () => {
      this.#taken -= 1
    })
  }
}

/**
 * A place at a backend for one request. It belongs to the request until the request is given up, or
 * until the backend has really let go of what was sent.
 */
export class Slot {
  readonly target: Target
  readonly #giveBack: () => void
  #state: 'ours' | 'sent' | 'free' = 'ours'

  constructor(target: Target, giveBack: () => void) {
    this.target = target
    this.#giveBack = giveBack
  }

  /** Nothing will be sent. If something was sent, the slot stays taken until `released`. */
  letGo(): void {
    if (this.#state === 'ours') this.#free()
  }

  /** Something was sent: the slot is free when `released` resolves. */
  async sent(released: Promise<void>): Promise<void> {
    assert(this.#state === 'ours', 'one slot is for one request')
    this.#state = 'sent'
    try {
      await released
    } finally {
      this.#free()
    }
  }

  #free(): void {
    this.#state = 'free'
    this.#giveBack()
  }
}
