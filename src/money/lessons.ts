import { Cache } from '../floor/cache.ts'

/**
 * Whose prompt is estimated. What an account teaches is used for that account alone (threats J18).
 */
export interface Learner {
  readonly model: string
  /**
   * The dialect of the request. A plain completion has no template, and a chat of the same model
   * has one.
   */
  readonly dialect: string
  /** Null for an unknown account. Then nothing is learned about the ratio. */
  readonly account: string | null
  /**
   * Whether the request has no tools and no settings of the template. Both make the template
   * longer.
   */
  readonly plain: boolean
}

/** How the reports about the prompts of one account at one model compare with our own count. */
interface Lesson {
  readonly offset: number
  readonly ratio: number
  readonly seen: number
}

/** The number of tokens that a small template adds. */
const OFFSET = 4
/** The part of a bound that is meant for a template (`Asked.most`). */
const IN_BOUND = 64
/**
 * Below so many tokens, a difference comes from the template. Above, it comes from the vocabulary.
 */
const SMALL = 256
/**
 * The smallest ratio that an account can teach. The margin of a quarter makes up for it (threats
 * J3).
 */
const LEAST_RATIO = 0.8
const MOST_LESSONS = 10_000
const MOST_MODELS = 2_000

/** What the reports about one model showed of its template, in one dialect. */
interface Template {
  readonly dialect: string
  readonly plain: boolean
  /** Tokens that a report was above the bound of its prompt, the most so far. */
  above: number
  /**
   * The shortest prompt that was reported. Every prompt contains the template, so the template is
   * not longer.
   */
  shortest: number
}

/**
 * Corrects our own count of a prompt with what backends reported. The ratio of the vocabularies and the
 * small differences are learned for each account alone, so that the odd prompts of one buyer do not make
 * those of another dearer. All accounts share how far a report was above the bound of its prompt, because
 * only the template of the model can cause that. Limits use the largest value of it. Prices use no more
 * than what the shortest prompt showed.
 */
export class PromptEstimator {
  readonly #lessons = new Cache<Lesson>(MOST_LESSONS)
  /** By model: one for each dialect and kind of request, which are few. */
  readonly #templates = new Cache<Template[]>(MOST_MODELS)

  /** The number of tokens that the model will see if our own count is `own`, without any margin. */
  estimate(of: Learner, own: number): number {
    const { ratio, offset } = this.#lessonOf(of)
    return Math.max(0, Math.ceil(own * ratio + offset))
  }

  /** How many tokens the template of this model was seen to add to the bound of a prompt. */
  template(of: Learner): number {
    return this.#templateOf(of)?.above ?? 0
  }

  /**
   * Learns from a report. The prompt has at most `bound` tokens, and `own` by our count (null if it
   * was not counted).
   */
  learn(of: Learner, said: { own: number | null; bound: number; reported: number }): void {
    const { own, bound, reported } = said
    if (reported <= 0) return
    if (own !== null && own > 0 && of.account !== null) this.#correct(of, own, reported)
    const template = this.#templateOf(of) ?? this.#newTemplate(of)
    template.shortest = Math.min(template.shortest, reported)
    template.above = Math.max(template.above, reported - bound)
  }

  #templateOf({ dialect, model, plain }: Learner): Template | undefined {
    return this.#templates.get(model)?.find((one) => one.plain === plain && one.dialect === dialect)
  }

  #newTemplate({ dialect, model, plain }: Learner): Template {
    const made = { dialect, plain, above: 0, shortest: Number.POSITIVE_INFINITY }
    this.#templates.set(model, [...(this.#templates.get(model) ?? []), made])
    return made
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
    const { above, shortest } = this.#templateOf(of) ?? NOTHING_SEEN
    const offset = above > 0 ? Math.min(IN_BOUND + above, shortest) : OFFSET
    return { offset, ratio: 1, seen: 0 }
  }
}

const NOTHING_SEEN = { above: 0, shortest: Number.POSITIVE_INFINITY }

const lessonKey = ({ account, dialect, model, plain }: Learner): string =>
  `${account ?? ''} ${dialect} ${plain ? 'plain' : 'more'} ${model}`

const clamp = (value: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, value))
