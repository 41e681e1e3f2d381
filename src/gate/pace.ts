/** The times at which the output of one answer came, in ms. */
export class Pace {
  readonly #began: number
  #first: number | null = null
  #last = 0
  #heldUp = false

  constructor(began: number) {
    this.#began = began
  }

  /** Output has come, now or before. */
  output(now: number): void {
    this.#first ??= now
    this.#last = now
  }

  /** The buyer read too slowly, so from now on the times say nothing about the backend. */
  heldUp(): void {
    this.#heldUp = true
  }

  /** The time of the first output. Null if none came. */
  get first(): number | null {
    return this.#first
  }

  /**
   * ms in which the backend made the output. For a stream it is the time from the first output to
   * the last, for an answer in one piece all of the time. Null if nothing came, or if the buyer was
   * slow.
   */
  made(whole: boolean, now: number): number | null {
    if (whole) return now - this.#began
    return this.#first === null || this.#heldUp ? null : this.#last - this.#first
  }
}
