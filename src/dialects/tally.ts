/** Text beyond this is counted and dropped, so that a stream's memory has a bound. */
const MOST_PENDING = 16 * 1024

/** The output text of one choice: kept until somebody must know how many tokens it is. */
export class Tally {
  readonly #count: (text: string) => number
  #pending: Buffer = Buffer.alloc(0)
  #size = 0
  #tokens = 0

  constructor(count: (text: string) => number) {
    this.#count = count
  }

  addText(text: string): void {
    const size = Buffer.byteLength(text)
    if (size > MOST_PENDING) {
      this.#tokens = this.tokens() + this.#count(text)
      return
    }
    this.#room(size)
    this.#pending.write(text, this.#size)
    this.#size += size
  }

  /** Bytes of UTF-8. */
  addBytes(bytes: Buffer, from: number, to: number): void {
    this.#room(to - from)
    const pending = this.#pending
    let size = this.#size
    for (let at = from; at < to; at += 1) pending[size++] = bytes[at] ?? 0
    this.#size = size
  }

  #room(size: number): void {
    if (this.#size + size > MOST_PENDING) this.tokens()
    const needed = this.#size + size
    if (needed <= this.#pending.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(256, needed, 2 * this.#pending.length))
    this.#pending.copy(larger, 0, 0, this.#size)
    this.#pending = larger
  }

  /** Tokens of everything so far. Dear where text is pending. */
  tokens(): number {
    if (this.#size > 0) {
      this.#tokens += this.#count(this.#pending.toString('utf8', 0, this.#size))
      this.#size = 0
    }
    return this.#tokens
  }
}
