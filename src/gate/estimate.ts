import type { Asked } from '../dialects/dialect.ts'
import type { AccountId } from '../ledger/ledger.ts'
import type { Learner, PromptEstimator } from '../money/lessons.ts'
import { countTokens, prepare } from '../money/tokens.ts'

/** Bytes of input bound past which a prompt is not tokenised for somebody who has not paid. */
const DEAR = 200_000
/** What a template puts around each message. */
const PER_MESSAGE = 4

/** The prompt of one request in tokens: counted at most once, and only where it is needed. */
export class PromptEstimate {
  readonly #asked: Asked
  readonly #estimator: PromptEstimator
  #account: AccountId | null = null
  #own: number | null = null

  constructor(asked: Asked, estimator: PromptEstimator) {
    this.#asked = asked
    this.#estimator = estimator
  }

  /** The account that pays for it is known now: what was learned from its own prompts counts. */
  of(account: AccountId): void {
    this.#account = account
  }

  /** Tokens, before any margin; never more than the bound. */
  async tokens(): Promise<number> {
    await prepare()
    const estimate = this.#estimator.estimate(this.#learner, this.#count())
    return Math.min(estimate, this.#asked.inputBound)
  }

  /** Tokens without counting them, for the journal: four bytes a token, until it is known better. */
  rough(): number {
    const { inputBound } = this.#asked
    if (this.#own === null) return Math.ceil(inputBound / 4)
    return Math.min(this.#estimator.estimate(this.#learner, this.#own), inputBound)
  }

  /** Tokens to ask money for: the estimate with its margin, or the bound where counting is dear. */
  async toOffer(): Promise<number> {
    const { inputBound } = this.#asked
    if (inputBound > DEAR) return inputBound
    return Math.min(inputBound, Math.ceil((await this.tokens()) * 1.25))
  }

  /** Tokens that this model's template was seen to add to a bound: limits `/ req` reckon with them (J4). */
  template(): number {
    return this.#estimator.template(this.#learner)
  }

  /** What the backend said this prompt was. */
  reported(input: number): void {
    const { inputBound: bound } = this.#asked
    this.#estimator.learn(this.#learner, { own: this.#own, bound, reported: input })
  }

  get #learner(): Learner {
    const { model, plain } = this.#asked
    return { model, plain, account: this.#account }
  }

  #count(): number {
    if (this.#own !== null) return this.#own
    const texts = [...this.#asked.texts()]
    this.#own = countTokens(texts.join('\n')) + PER_MESSAGE * texts.length
    return this.#own
  }
}
