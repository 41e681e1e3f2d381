/** The most bytes before the first choice, unless the API begins its streams with more. */
const MOST = 64 * 1024

/**
 * Holds back what comes before the first choice, because until then it may all be an error (K8).
 */
export class Preamble {
  #held: Uint8Array[] = []
  #size = 0
  readonly #most: number

  /** @param most bytes that a beginning may have */
  constructor(most = MOST) {
    this.#most = most
  }

  /** False if it is more than a beginning ever is. */
  hold(out: Uint8Array): boolean {
    this.#size += out.length
    if (this.#size <= this.#most) this.#held.push(Buffer.from(out))
    return this.#size <= this.#most
  }

  /** What was held back and these bytes after it. The bytes themselves if nothing was held back. */
  before(out: Uint8Array): Uint8Array {
    if (this.#held.length === 0) return out
    const all = Buffer.concat([...this.#held, out])
    this.#held = []
    return all
  }
}
