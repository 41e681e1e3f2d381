import type { HoldId } from '../ledger.ts'

/** So many ids at least are remembered, and at most twice as many. */
const REMEMBERED = 4_096

/**
 * Which ids of holds were certainly never used, which spares the disk a question for each request. Ids
 * grow with time, but requests overtake each other on their way to their holds. So the last ids are
 * remembered, and of all others only the greatest one: above that one, whatever is not remembered was
 * never used.
 */
export class UsedIds {
  #young = new Set<HoldId>()
  #old = new Set<HoldId>()
  #greatestForgotten: HoldId

  /** `greatest` is the greatest id on the disk, or an empty text. */
  constructor(greatest: HoldId) {
    this.#greatestForgotten = greatest
  }

  add(id: HoldId): void {
    if (this.#young.size >= REMEMBERED) {
      for (const one of this.#old) {
        if (one > this.#greatestForgotten) this.#greatestForgotten = one
      }
      this.#old = this.#young
      this.#young = new Set()
    }
    this.#young.add(id)
  }

  /** True if the id was certainly never used. If not, the disk knows. */
  lacks(id: HoldId): boolean {
    return id > this.#greatestForgotten && !this.#young.has(id) && !this.#old.has(id)
  }
}
