import { Cache } from '../floor/cache.ts'

/** Tokens a second that are assumed of a model that was not seen yet. See `Speeds.most`. */
const UNSEEN = 15
/**
 * Fewer tokens or less time than this say nothing about speed: they may have come in one packet.
 */
const LEAST_TOKENS = 16
const LEAST_MS = 200
/** Tokens. In a shorter buffered answer, reading the prompt takes most of the time. */
const LONG = 256
/** The weight of one new answer in the remembered speed of a model. */
const WEIGHT = 0.2
/** No answer is clamped to fewer tokens than this. */
const SMALLEST = 16
/** How many models are remembered. A limit is needed because some backends accept any name. */
const MODELS_REMEMBERED = 500

/** What one complete answer tells about the speed. */
export interface Made {
  /** Output tokens of its only choice. */
  readonly tokens: number
  /**
   * ms. For a stream from its first output to its last, for a buffered answer from sending to its
   * end.
   */
  readonly ms: number
  readonly streamed: boolean
}

/**
 * How fast each model was seen to make output. A buffered answer must be complete before
 * `timeouts.firstByte` ends, and a time-out costs the buyer nothing. Otherwise a buyer could ask
 * for a long answer and get the work for nothing. So its output limit is what the model makes in
 * half of that time (threats J14).
 */
export class Speeds {
  readonly #firstByteMs: number
  /** Tokens a second. */
  readonly #seen = new Cache<number>(MODELS_REMEMBERED)

  constructor(firstByteMs: number) {
    this.#firstByteMs = firstByteMs
  }

  /**
   * The most output tokens per choice of a buffered answer. A model that was not seen yet is
   * assumed to make 15 tokens a second. As only half of the time is used, a model with 8 tokens a
   * second still ends in time. The first answers correct the assumption.
   */
  most(model: string, choices: number): number {
    const speed = this.#seen.get(model) ?? UNSEEN
    return Math.max(SMALLEST, Math.floor((speed * this.#firstByteMs) / 2_000 / choices))
  }

  /**
   * Learns from one answer. A stream tells the speed. The time of a buffered answer includes
   * reading the prompt, so the model is at least that fast; in a long answer most of the time is
   * output.
   */
  made(model: string, { tokens, ms, streamed }: Made): void {
    if (tokens < LEAST_TOKENS || ms < LEAST_MS) return
    const speed = (tokens * 1_000) / ms
    const known = this.#seen.get(model)
    if (known === undefined || (!streamed && speed > known)) this.#keep(model, speed)
    else if (streamed || tokens >= LONG) this.#keep(model, known + (speed - known) * WEIGHT)
  }

  /**
   * A buffered answer of at most `tokens` did not come in time, so the model is no faster than
   * that.
   */
  timedOut(model: string, tokens: number): void {
    const most = (tokens * 1_000) / this.#firstByteMs
    this.#keep(model, Math.min(this.#seen.get(model) ?? UNSEEN, most))
  }

  #keep(model: string, speed: number): void {
    this.#seen.set(model, speed)
  }
}
