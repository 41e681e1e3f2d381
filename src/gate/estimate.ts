import type { Asked } from '../dialects/dialect.ts'
import { type PromptEstimator, prepare } from '../money/tokens.ts'

/** Bytes of input bound past which a prompt is not tokenised for somebody who has not paid. */
const DEAR = 200_000

/** The prompt of one request in tokens: counted at most once, and only where it is needed. */
export class PromptEstimate {
  readonly #asked: Asked
  readonly #estimator: PromptEstimator
  #tokens: number | null = null

  constructor(asked: Asked, estimator: PromptEstimator) {
    this.#asked = asked
    this.#estimator = estimator
  }

  /** Tokens, before any margin; never more than the bound. */
  async tokens(): Promise<number> {
    if (this.#tokens !== null) return this.#tokens
    await prepare()
    const texts = [...this.#asked.texts()]
    const estimate = this.#estimator.estimate(this.#asked.model, texts, texts.length)
    this.#tokens = Math.min(estimate, this.#asked.inputBound)
    return this.#tokens
  }

  /** Tokens without counting them, for the journal: four bytes a token, until it is known better. */
  rough(): number {
    return this.#tokens ?? Math.ceil(this.#asked.inputBound / 4)
  }

  /** Tokens to ask money for: the estimate with its margin, or the bound where counting is dear. */
  async toOffer(): Promise<number> {
    const { inputBound } = this.#asked
    if (inputBound > DEAR) return inputBound
    return Math.min(inputBound, Math.ceil((await this.tokens()) * 1.25))
  }

  /** What the backend said this prompt was. Teaches only where the estimate was made before. */
  reported(input: number): void {
    if (this.#tokens !== null) this.#estimator.learn(this.#asked.model, this.#tokens, input)
  }
}
