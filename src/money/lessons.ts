import { Cache } from '../floor/cache.ts'

/** Whose prompt an estimate is of. Every account learns for itself (threats J18). */
export interface Learner {
  readonly model: string
  /** How it was asked: a plain completion has no template, a chat of the same model has one. */
  readonly dialect: string
  /** Null: nobody who is known. Nothing is learned of the ratio then. */
  readonly account: string | null
  /** No tools and no settings of the template, which make it longer, are in the request. */
  readonly plain: boolean
}

/** What one account's prompts came to at one model, against our own count of them. */
interface Lesson {
  readonly offset: number
  readonly ratio: number
  readonly seen: number
}

/** Tokens that a small template adds. */
const OFFSET = 4
/** What a bound has in it for a template (`Asked.inputBound`). */
const IN_BOUND = 64
/** Below so many tokens a difference is the template's, above it the vocabulary's. */
const SMALL = 256
/** An account teaches itself: no lower than the margin of a quarter makes up for (threats J3). */
const LEAST_RATIO = 0.8
const MOST_LESSONS = 10_000
const MOST_TEMPLATES = 2_000

/**
 * Corrects our own count of a prompt by what backends reported. The ratio of the vocabularies and
 * the small differences are learned for each account apart: odd prompts of one buyer must not make
 * another's dearer. All accounts share how far a report was above the bound of its prompt, which the
 * model's own template explains: limits reckon with the most of it, a price with no more than the
 * shortest prompt came to.
 */
export class PromptEstimator {
  readonly #lessons = new Cache<Lesson>(MOST_LESSONS)
  readonly #templates = new Cache<number>(MOST_TEMPLATES)
  /** The shortest prompt that was reported: a template is in every one of them. */
  readonly #shortest = new Cache<number>(MOST_TEMPLATES)

  /** Tokens that the model will see where our own count is `own`, before any margin. */
  estimate(of: Learner, own: number): number {
    const { ratio, offset } = this.#lessonOf(of)
    return Math.max(0, Math.ceil(own * ratio + offset))
  }

  /** Tokens that this model's template was seen to add to the bound of a prompt. */
  template(of: Learner): number {
    return this.#templates.get(templateKey(of)) ?? 0
  }

  /** A backend said `reported` of a prompt that is at most `bound`, by our own count `own`; null: not counted. */
  learn(of: Learner, said: { own: number | null; bound: number; reported: number }): void {
    const { own, bound, reported } = said
    if (reported <= 0) return
    if (own !== null && own > 0 && of.account !== null) this.#correct(of, own, reported)
    const key = templateKey(of)
    if (reported < (this.#shortest.get(key) ?? Number.POSITIVE_INFINITY)) {
      this.#shortest.set(key, reported)
    }
    const above = reported - bound
    if (above > this.template(of)) {
      this.#templates.set(key, above)
    }
  }

  #correct(of: Learner, own: number, reported: number): void {
    const old = this.#lessonOf(of)
    const estimated = this.estimate(of, own)
    if (estimated <= 0) return
    const pace = old.seen === 0 ? 1 : 0.2
    const small = estimated < SMALL
    const factor = 1 + pace * (clamp(reported / estimated, 0.5, 2) - 1)
    const value = {
      offset: small ? clamp(old.offset + pace * (reported - estimated), -16, 2_048) : old.offset,
      ratio: small ? old.ratio : clamp(old.ratio * factor, LEAST_RATIO, 4),
      seen: old.seen + 1,
    }
    this.#lessons.set(lessonKey(of), value)
  }

  #lessonOf(of: Learner): Lesson {
    const known = this.#lessons.get(lessonKey(of))
    if (known !== undefined) return known
    const above = this.template(of)
    const shortest = this.#shortest.get(templateKey(of)) ?? Number.POSITIVE_INFINITY
    const offset = above > 0 ? Math.min(IN_BOUND + above, shortest) : OFFSET
    return { offset, ratio: 1, seen: 0 }
  }
}

const templateKey = ({ dialect, model, plain }: Learner): string =>
  `${dialect} ${plain ? 'plain' : 'more'} ${model}`

const lessonKey = (of: Learner): string => `${of.account ?? ''} ${templateKey(of)}`

const clamp = (value: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, value))
