/**
 * If more text than this waits, it is counted and dropped, so that the memory of a stream is
 * bounded.
 */
const MOST_PENDING = 16 * 1024
/**
 * If so many texts in a row each begin with the text before, the backend repeats itself on purpose.
 */
const PROVEN = 3

/** Bytes at the end of the text so far that are compared to recognise a repetition. */
const TAIL = 32

/**
 * Counts the output tokens of one choice. Text is kept until somebody asks how many tokens it is.
 */
export class OutputCounter {
  readonly #count: (text: string) => number
  readonly #most: number
  #pending: Buffer = Buffer.alloc(0)
  #size = 0
  #tokens = 0
  /** The last text, as long as every text began with the one before (K4); then null. */
  #sofar: string | null = ''
  #repeats = 0
  /** Text that was left out as a repetition. It is added again if the next text repeats nothing. */
  #doubt = ''
  /** The last bytes that were counted and dropped. */
  #dropped: Buffer = Buffer.alloc(0)
  #additions = 0
  /** Texts of an answer in one piece, which is in memory as a whole. Null for a stream. */
  #later: string[] | null = null
  /** Bytes of text so far. */
  bytes = 0

  /**
   * @param count slow, so it is called seldom
   * @param most after so many tokens no more are counted, because nobody asks for more
   */
  constructor(count: (text: string) => number, most: number) {
    this.#count = count
    this.#most = most
  }

  /**
   * The texts that come are all of an answer in one piece: none is copied or counted until somebody
   * asks for the tokens.
   */
  countLater(): void {
    this.#later ??= []
  }

  /** How many pieces of text have been added. */
  get pieces(): number {
    return this.#additions
  }

  /** The backend does not repeat itself, so bytes may be added as they are. */
  get plain(): boolean {
    return this.#sofar === null
  }

  /**
   * Adds a delta. Some backends repeat in each delta all that they said before: only what is new
   * counts.
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
    // A backend that repeats itself begins anew when its thinking is over.
    this.#sofar = proven ? text : null
    return (proven ? 0 : this.#add(this.#doubt)) + this.#add(text)
  }

  /**
   * Adds a text that may be the whole text so far, sent once more. Then only what is new counts.
   * @param beside it came with a delta, so it is the text so far (K4). Without a delta it may also
   *   be the next piece; if it is no repetition, it counts in full.
   */
  addAgain(text: string, beside: boolean): number {
    this.#catchUp()
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

  /** Adds bytes of UTF-8. Allowed only if `plain`. */
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
    if (this.#later === null) this.#put(text, size)
    else this.#later.push(text)
    return size
  }

  /** Texts that wait are treated as those of a stream, in their order. */
  #catchUp(): void {
    const texts = this.#later
    if (texts === null || texts.length === 0) return
    this.#later = []
    for (const text of texts) this.#put(text, Buffer.byteLength(text))
  }

  #put(text: string, size: number): void {
    if (size > MOST_PENDING) {
      this.#flush()
      for (let from = 0; from < text.length; from += MOST_PENDING) {
        this.#drop(text.slice(from, from + MOST_PENDING))
      }
    } else {
      this.#room(size)
      this.#pending.write(text, this.#size)
      this.#size += size
    }
  }

  #room(size: number): void {
    if (this.#size + size > MOST_PENDING) this.#flush()
    const needed = this.#size + size
    if (needed <= this.#pending.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(256, needed, 2 * this.#pending.length))
    this.#pending.copy(larger, 0, 0, this.#size)
    this.#pending = larger
  }

  /** Tokens of everything so far. Slow if text is pending. */
  tokens(): number {
    this.#catchUp()
    this.#flush()
    return this.#tokens
  }

  #flush(): void {
    if (this.#size > 0) this.#drop(this.#pending.toString('utf8', 0, this.#size))
    this.#size = 0
  }

  /** Counts a text and forgets it. */
  #drop(text: string): void {
    if (this.#tokens <= this.#most) this.#tokens += this.#count(text)
    this.#dropped = Buffer.from(text.slice(-TAIL))
  }
}
