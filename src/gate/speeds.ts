import { Cache } from '../floor/cache.ts'

/** Tokens a second of a model that was not seen yet. See `Speeds.most`. */
const UNSEEN = 15
/** Fewer tokens than this, or less time, say nothing of a speed: they may have come in one packet. */
const LEAST_TOKENS = 16
const LEAST_MS = 200
/** A shorter buffered answer is mostly the reading of its prompt. */
const LONG = 256
/** How much of the speed that is kept for a model one more answer makes up. */
const WEIGHT = 0.2
/** No answer is clamped to fewer tokens than this. */
const SMALLEST = 16
/** Names of models that are remembered: a backend that ignores the name answers to any. */
const MODELS_REMEMBERED = 500

/** One answer that ended well, as far as it tells a speed. */
export interface Made {
  /** Output tokens of its only choice. */
  readonly tokens: number
  /** ms: of a stream from its first output to its last, of a buffered answer from asking to its end. */
  readonly ms: number
  readonly streamed: boolean
}

/**
 * How fast each model was seen to make output. An answer that is not streamed must be whole before
 * `timeouts.firstByte` is over, and a time-out is free; so its output limit is what the model makes in
 * half of that time, or a buyer could choose a long answer and have the work for nothing (threats J14).
 */
export class Speeds {
  readonly #firstByteMs: number
  /** Tokens a second. */
  readonly #seen = new Cache<number>(MODELS_REMEMBERED)

  constructor(firstByteMs: number) {
    this.#firstByteMs = firstByteMs
  }

  /**
   * Output tokens per choice that an answer may have which is not streamed. A model that was not seen
   * yet is taken to make 15 tokens a second: one that makes 8 still ends in time, for the limit counts
   * half of it alone, and slower than that nobody waits for an answer. The first answers teach better.
   */
  most(model: string, choices: number): number {
    const speed = this.#seen.get(model) ?? UNSEEN
    return Math.max(SMALLEST, Math.floor((speed * this.#firstByteMs) / 2_000 / choices))
  }

  /**
   * A stream tells the speed. A buffered answer tells no more than that the model is at least so
   * fast, for the reading of its prompt is in its time; a long one is mostly output.
   */
  made(model: string, { tokens, ms, streamed }: Made): void {
    if (tokens < LEAST_TOKENS || ms < LEAST_MS) return
    const speed = (tokens * 1_000) / ms
    const known = this.#seen.get(model)
    if (known === undefined || (!streamed && speed > known)) this.#keep(model, speed)
    else if (streamed || tokens >= LONG) this.#keep(model, known + (speed - known) * WEIGHT)
  }

  /** A buffered answer of at most so many tokens did not come in time: the model is no faster. */
  timedOut(model: string, tokens: number): void {
    const most = (tokens * 1_000) / this.#firstByteMs
    this.#keep(model, Math.min(this.#seen.get(model) ?? UNSEEN, most))
  }

  #keep(model: string, speed: number): void {
    this.#seen.set(model, speed)
  }
}
