/** Bytes in front of the first chunk with a choice. */
const MOST = 64 * 1024

/** Keeps back what comes before the first choice: until then it may all be an error (K8). */
export class Preamble {
  #held: Uint8Array[] = []
  #size = 0

  /** False where it is too much for a beginning. */
  hold(out: Uint8Array): boolean {
    this.#size += out.length
    if (this.#size <= MOST) this.#held.push(Buffer.from(out))
    return this.#size <= MOST
  }

  /** What was held and the bytes behind it; the bytes themselves where nothing was held. */
  before(out: Uint8Array): Uint8Array {
    if (this.#held.length === 0) return out
    const all = Buffer.concat([...this.#held, out])
    this.#held = []
    return all
  }
}
