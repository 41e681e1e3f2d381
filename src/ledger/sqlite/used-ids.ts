import { textHash } from '../../floor/text-hash.ts'
import type { HoldId } from '../ledger.ts'

/** So many ids at least are remembered, and at most twice as many. */
const REMEMBERED = 4_096
/** Places for them. Three of four stay free, so that a place is found at once. */
const PLACES = 4 * REMEMBERED

/** Ids that came one after another, each as one number. 0 is a free place. */
interface Generation {
  readonly places: Uint32Array
  size: number
  greatest: HoldId
}

/**
 * Which ids of holds were certainly never used, which spares the disk a question for each request. Ids
 * grow with time, but requests overtake each other on their way to their holds. So the last ids are
 * remembered, and of all others only the greatest one: above that one, whatever is not remembered was
 * never used. An id is remembered as a number that two ids share once in a million times. Such an id
 * costs a question that was not needed, and nothing else. No id is kept, so no request is.
 */
export class UsedIds {
  #young = emptyGeneration()
  #old = emptyGeneration()
  #greatestForgotten: HoldId

  /** `greatest` is the greatest id on the disk, or an empty text. */
  constructor(greatest: HoldId) {
    this.#greatestForgotten = greatest
  }

  add(id: HoldId): void {
    if (this.#young.size >= REMEMBERED) this.#forget()
    if (id > this.#young.greatest) this.#young.greatest = id
    const mark = markOf(id)
    const at = placeOf(this.#young, mark)
    if (this.#young.places[at] === mark) return
    this.#young.places[at] = mark
    this.#young.size += 1
  }

  /** True if the id was certainly never used. If not, the disk knows. */
  lacks(id: HoldId): boolean {
    if (id <= this.#greatestForgotten) return false
    const mark = markOf(id)
    const { places } = this.#young
    if (places[placeOf(this.#young, mark)] === mark) return false
    return this.#old.places[placeOf(this.#old, mark)] !== mark
  }

  #forget(): void {
    const forgotten = this.#old
    if (forgotten.greatest > this.#greatestForgotten) this.#greatestForgotten = forgotten.greatest
    this.#old = this.#young
    this.#young = forgotten
    forgotten.places.fill(0)
    forgotten.size = 0
    forgotten.greatest = ''
  }
}

const emptyGeneration = (): Generation => ({
  places: new Uint32Array(PLACES),
  size: 0,
  greatest: '',
})

const markOf = (id: HoldId): number => textHash(id) || 1

/** The place of a mark, or the free place where it belongs. */
function placeOf({ places }: Generation, mark: number): number {
  let at = mark & (PLACES - 1)
  while (places[at] !== 0 && places[at] !== mark) at = (at + 1) & (PLACES - 1)
  return at
}
