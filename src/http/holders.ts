/** A client, a pass or a site, and what its bodies take. */
export interface Holder {
  bytes: number
  /** How many large bodies it has, and their bytes. */
  large: number
  largeBytes: number
  places: number
}

/** So many holders without a body are kept at least, because most of them send another one. */
const KEPT = 4_096

/**
 * Holders by their names. One whose last body has left is kept for a while: then a request adds nothing
 * to the map and removes nothing from it.
 */
export class Holders {
  #byName = new Map<string, Holder>()
  #most = KEPT

  of(name: string): Holder {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    if (this.#byName.size >= this.#most) this.#forget()
    const made: Holder = { bytes: 0, large: 0, largeBytes: 0, places: 0 }
    this.#byName.set(name, made)
    return made
  }

  #forget(): void {
    this.#byName = new Map([...this.#byName].filter(([, { places }]) => places > 0))
    this.#most = KEPT + 2 * this.#byName.size
  }
}
