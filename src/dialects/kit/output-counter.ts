/** Text beyond this is counted and dropped, so that a stream's memory has a bound. */
const MOST_PENDING = 16 * 1024
/** So many texts that each begin with all before them are no accident. */
const PROVEN = 3

/** Bytes at the end of the text so far by which a repetition of it is known. */
const TAIL = 32

/** The output text of one choice: kept until somebody must know how many tokens it is. */
export class OutputCounter {
  readonly #count: (text: string) => number
  readonly #most: number
  #pending: Buffer = Buffer.alloc(0)
  #size = 0
  #tokens = 0
  /** The last text, while every text began with the one before (K4); null once one did not. */
  #sofar: string | null = ''
  #repeats = 0
  /** What was left out as a repetition, until that is proven. */
  #doubt = ''
  /** The last bytes that were counted and dropped. */
  #dropped: Buffer = Buffer.alloc(0)
  #additions = 0
  /** Bytes of text so far. */
  bytes = 0

  /**
   * @param count dear
   * @param most tokens past which nobody asks how many there are: no more are counted
   */
  constructor(count: (text: string) => number, most: number) {
    this.#count = count
    this.#most = most
  }

  /** No text is the text so far: bytes may be added as they are. */
  get plain(): boolean {
    return this.#sofar === null
  }

  /**
   * Some backends repeat in each delta all that they said before: only what is new counts.
   * @returns the bytes that it added
   */
  addText(text: string): number {
    const sofar = this.#sofar
    if (sofar === null) return this.#add(text)
    const proven = this.#repeats > PROVEN
    if (text.length > sofar.length && text.startsWith(sofar)) {
      this.#repeats += 1
      this.#doubt = proven ? '' : this.#doubt + sofar
      this.#sofar = text
      return this.#add(text.slice(sofar.length))
    }
    if (proven && text === sofar) return 0
    // A repeating backend begins anew where its thinking is over.
    this.#sofar = proven ? text : null
    return (proven ? 0 : this.#add(this.#doubt)) + this.#add(text)
  }

  /**
   * The whole text so far, told once more: only what is new counts.
   * @param beside it came with a delta, which is read alone (K4). Without one it may as well be
   *   the next piece of the text: that counts in full.
   */
  addAgain(text: string, beside: boolean): number {
    const bytes = Buffer.from(text)
    const isNew = bytes.subarray(Math.min(bytes.length, this.bytes))
    return this.#add(beside || this.#repeatedBy(bytes) ? isNew.toString('utf8') : text)
  }

  #repeatedBy(bytes: Buffer): boolean {
    const kept = Buffer.concat([this.#dropped, this.#pending.subarray(0, this.#size)])
    const end = Math.min(bytes.length, this.bytes)
    const size = Math.min(TAIL, end, kept.length)
    const same = bytes.subarray(end - size, end).equals(kept.subarray(kept.length - size))
    return same && (end >= TAIL || (this.#additions > 1 && bytes.length >= this.bytes))
  }

  /** Bytes of UTF-8, where `plain`. */
  addBytes(bytes: Buffer, from: number, to: number): number {
    this.#room(to - from)
    const pending = this.#pending
    let size = this.#size
    for (let at = from; at < to; at += 1) pending[size++] = bytes[at] ?? 0
    this.#size = size
    this.#additions += 1
    this.bytes += to - from
    return to - from
  }

  #add(text: string): number {
    const size = Buffer.byteLength(text)
    if (size === 0) return 0
    this.bytes += size
    this.#additions += 1
    if (size > MOST_PENDING) {
      this.tokens()
      for (let from = 0; from < text.length; from += MOST_PENDING) {
        this.#drop(text.slice(from, from + MOST_PENDING))
      }
    } else {
      this.#room(size)
      this.#pending.write(text, this.#size)
      this.#size += size
    }
    return size
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
    if (this.#size > 0) this.#drop(this.#pending.toString('utf8', 0, this.#size))
    this.#size = 0
    return this.#tokens
  }

  /** Counts a text that is kept no longer. */
  #drop(text: string): void {
    if (this.#tokens <= this.#most) this.#tokens += this.#count(text)
    this.#dropped = Buffer.from(text.slice(-TAIL))
  }
}
