import { assert } from './assert.ts'

/** Something that stands on at most one roster. Only the roster writes `seat`. */
export interface Seated {
  /** Its place in the array; -1 while it stands on no roster. */
  seat: number
}

/**
 * The things that are going on now, in no order: requests, relays, deadlines. It is an array, and
 * the last one takes the seat of one that leaves. A long-lived `Map` or `Set` with an entry for each
 * request would keep finished requests alive: V8 links each hash table that it outgrew to its
 * successor, and one such table that has become old keeps all later ones, with what is in them, until
 * the next full collection.
 */
export class Roster<T extends Seated> {
  readonly #seats: T[] = []

  get size(): number {
    return this.#seats.length
  }

  add(one: T): void {
    assert(one.seat === -1, 'it stands on no roster')
    one.seat = this.#seats.length
    this.#seats.push(one)
  }

  /** Does nothing if it left before. */
  delete(one: T): void {
    const { seat } = one
    if (seat === -1) return
    assert(this.#seats[seat] === one, 'it stands on this roster')
    one.seat = -1
    const last = this.#seats.pop()
    if (last === undefined || last === one) return
    this.#seats[seat] = last
    last.seat = seat
  }

  /** Calls `visit` for each. What it visits may leave meanwhile; nothing may be added. */
  each(visit: (one: T) => void): void {
    for (let seat = this.#seats.length - 1; seat >= 0; seat -= 1) {
      const one = this.#seats[seat]
      if (one !== undefined) visit(one)
    }
  }
}
