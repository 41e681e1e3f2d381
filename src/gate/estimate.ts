import type { Asked } from '../dialects/dialect.ts'
import type { AccountId } from '../ledger/ledger.ts'
import type { TokenCounter } from '../money/counter.ts'
import type { Learner, PromptEstimator } from '../money/lessons.ts'

/** Bytes of input bound past which a prompt is not tokenised for somebody who has not paid. */
const DEAR = 200_000
/** Tokens that a template puts around each message, besides its role. */
const PER_PART = 2
/** Bytes that a token has at most, whatever the vocabulary: of text, and of white space alone. */
const MOST_BYTES = 8
const MOST_WHITE = 32

export interface Estimating {
  readonly estimator: PromptEstimator
  readonly counter: TokenCounter
}

/** Tokens by our own count, and how few the model can possibly see. */
interface Own {
  readonly tokens: number
  readonly least: number
}

/** The prompt of one request in tokens: counted at most once, and only where it is needed. */
export class PromptEstimate {
  readonly #asked: Asked
  readonly #parts: Estimating
  readonly #client: string
  #account: AccountId | null = null
  #own: Own | null = null

  /** `client` shares the counting with all who have no account, until `of` tells who pays. */
  constructor(asked: Asked, client: string, parts: Estimating) {
    this.#asked = asked
    this.#client = client
    this.#parts = parts
  }

  /** The account that pays for it is known now: its own share of the counting, its own lessons. */
  of(account: AccountId): void {
    this.#account = account
  }

  /** Tokens, before any margin; never more than the bound, and the bound where there is no room to count. */
  async tokens(): Promise<number> {
    this.#own ??= await this.#count()
    return this.#own === null ? this.#asked.most.input : this.#corrected(this.#own)
  }

  /** Tokens without counting them, for the journal: four bytes a token, until it is known better. */
  rough(): number {
    return this.#own === null ? Math.ceil(this.#asked.most.input / 4) : this.#corrected(this.#own)
  }

  /**
   * Tokens with a margin: what money is asked for, and what an answer leaves room for. The bound
   * where counting is dear and nobody who is known asks for it.
   */
  async withMargin(): Promise<number> {
    const { input: inputBound } = this.#asked.most
    if (this.#account === null && inputBound > DEAR) return inputBound
    return Math.min(inputBound, Math.ceil((await this.tokens()) * 1.25))
  }

  /** Tokens that this model's template was seen to add to a bound: limits `/ req` reckon with them (J4). */
  template(): number {
    return this.#parts.estimator.template(this.#learner)
  }

  /** What the backend said this prompt was. */
  reported(input: number): void {
    const { input: bound } = this.#asked.most
    const own = this.#own?.tokens ?? null
    this.#parts.estimator.learn(this.#learner, { own, bound, reported: input })
  }

  get #learner(): Learner {
    const { dialect, model, plain } = this.#asked
    return { dialect, model: model ?? '', plain, account: this.#account }
  }

  #corrected({ tokens, least }: Own): number {
    const estimate = this.#parts.estimator.estimate(this.#learner, tokens)
    return Math.min(Math.max(estimate, least), this.#asked.most.input)
  }

  /** Counts the very strings that the bound is of (threats J2). */
  async #count(): Promise<Own | null> {
    const { texts, parts, ids, most } = this.#asked
    const account = this.#account
    const asker = account === null ? { client: this.#client } : { account }
    const measured = await this.#parts.counter.measure(texts.join('\n'), asker)
    if (measured === null) return null
    const { tokens } = measured
    // The line ends between the texts are ours: they are not in the bound.
    const white = measured.white - Math.max(0, texts.length - 1)
    const least = Math.max(0, most.input - white) / MOST_BYTES + white / MOST_WHITE
    return { tokens: tokens + ids + PER_PART * parts, least: Math.ceil(least) }
  }
}
