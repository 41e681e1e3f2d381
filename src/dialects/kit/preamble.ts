/** The most bytes before the first choice. */
const MOST = 64 * 1024

/**
 * Holds back what comes before the first choice, because until then it may all be an error (K8).
 */
export class Preamble {
  #held: Uint8Array[] = []
  #size = 0

  /** False if it is more than a beginning ever is. */
  hold(out: Uint8Array): boolean {
    this.#size += out.length
    if (this.#size <= MOST) this.#held.push(Buffer.from(out))
    return this.#size <= MOST
  }

  /** What was held back and these bytes after it. The bytes themselves if nothing was held back. */
  before(out: Uint8Array): Uint8Array {
    if (this.#held.length === 0) return out
    const all = Buffer.concat([...this.#held, out])
    this.#held = []
    return all
  }
}
