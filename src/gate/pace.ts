/** When the output of one answer came, in ms of the clock that tells it. */
export class Pace {
  readonly #began: number
  #first: number | null = null
  #last = 0
  #heldUp = false

  constructor(began: number) {
    this.#began = began
  }

  /** Output came, or there was some before. */
  output(now: number): void {
    this.#first ??= now
    this.#last = now
  }

  /** The buyer did not take what came: from now on it says nothing of the backend. */
  heldUp(): void {
    this.#heldUp = true
  }

  /** When the first output came. */
  get first(): number | null {
    return this.#first
  }

  /**
   * ms in which the backend made the output that came: of a stream from the first of it to the last,
   * of a whole answer all. Null where nothing came, or the buyer held it up.
   */
  made(whole: boolean, now: number): number | null {
    if (whole) return now - this.#began
    return this.#first === null || this.#heldUp ? null : this.#last - this.#first
  }
}
