import type { Asked } from '../dialects/dialect.ts'
import type { AccountId } from '../ledger/ledger.ts'
import type { TokenCounter } from '../money/counter.ts'
import type { Learner, PromptEstimator } from '../money/lessons.ts'

/** Bytes. A prompt whose bound is larger is not tokenised for clients that have not paid. */
const DEAR = 200_000
/** Tokens that a template puts around each message, besides its role. */
const PER_PART = 2
/**
 * The most bytes that one token can stand for, whatever the vocabulary: of text, and of white space
 * alone.
 */
const MOST_BYTES = 8
const MOST_WHITE = 32
/** Bytes of a prompt for one token in the journal. Text has four or five. */
const ROUGH_BYTES = 6

export interface Estimating {
  readonly estimator: PromptEstimator
  readonly counter: TokenCounter
}

/** Tokens by our own count, and the fewest that the model can possibly count. */
interface Own {
  readonly tokens: number
  readonly least: number
}

/** The prompt of one request in tokens. It is counted at most once, and only if it is needed. */
export class PromptEstimate implements Learner {
  readonly model: string
  account: AccountId | null = null
  readonly #asked: Asked
  readonly #parts: Estimating
  readonly #client: string
  #own: Own | null = null

  /**
   * What is learned is kept under `model`. Until `of` says who pays, the counting is charged to
   * `client`, which shares its turn with all who have no account.
   */
  constructor(
    asked: Asked,
    whose: { readonly model: string; readonly client: string },
    parts: Estimating,
  ) {
    this.#asked = asked
    this.model = whose.model
    this.#client = whose.client
    this.#parts = parts
  }

  get dialect(): string {
    return this.#asked.dialect
  }

  get plain(): boolean {
    return this.#asked.plain
  }

  /**
   * Names the account that pays. From now on its share of the counting and its lessons are used.
   */
  of(account: AccountId): void {
    this.account = account
  }

  /**
   * Tokens, without a margin, and never more than the bound. The bound itself if there is no room
   * to count.
   */
  async tokens(): Promise<number> {
    this.#own ??= await this.#count()
    return this.#own === null ? this.#asked.most.input : this.#corrected(this.#own)
  }

  /**
   * Tokens for the journal, which is what a crash charges: our count if there is one. Without it, one
   * for each `ROUGH_BYTES`, which is less than most prompts have.
   */
  rough(): number {
    if (this.#own !== null) return this.#corrected(this.#own)
    return Math.ceil(this.#asked.most.input / ROUGH_BYTES)
  }

  /**
   * Tokens with a margin, for the amount of an offer and for the room that an answer has. The bound
   * if the prompt is long and the payer is not known.
   */
  async withMargin(): Promise<number> {
    const { input: inputBound } = this.#asked.most
    if (this.account === null && inputBound > DEAR) return inputBound
    return Math.min(inputBound, Math.ceil((await this.tokens()) * 1.25))
  }

  /**
   * Tokens that this model's template was seen to add to a bound. Limits `/ req` include them (J4).
   */
  template(): number {
    return this.#parts.estimator.template(this)
  }

  /** Learns from the number of prompt tokens that the backend reported. */
  reported(input: number): void {
    const { input: bound } = this.#asked.most
    const own = this.#own?.tokens ?? null
    this.#parts.estimator.learn(this, { own, bound, reported: input })
  }

  #corrected({ tokens, least }: Own): number {
    const estimate = this.#parts.estimator.estimate(this, tokens)
    return Math.min(Math.max(estimate, least), this.#asked.most.input)
  }

  /** Counts exactly the strings from which the bound was made (threats J2). */
  async #count(): Promise<Own | null> {
    const { parts, ids, most } = this.#asked
    const texts = this.#asked.texts()
    const { account } = this
    const asker = account === null ? { client: this.#client } : { account }
    const measured = await this.#parts.counter.measure(texts.join('\n'), asker)
    if (measured === null) return null
    const { tokens } = measured
    // We put a line end between two texts. The bound does not include it.
    const white = measured.white - Math.max(0, texts.length - 1)
    const least = Math.max(0, most.input - white) / MOST_BYTES + white / MOST_WHITE
    return { tokens: tokens + ids + PER_PART * parts, least: Math.ceil(least) }
  }
}
