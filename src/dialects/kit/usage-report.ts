import type { Json } from './json.ts'

/** What one reported usage says. A figure is null if it is missing or cannot be a count (A6). */
export interface Report {
  readonly input: number | null
  /** The part of the input that the backend had in its cache. */
  readonly cached: number
  /** The part of the input that the backend wrote into its cache. Left out: none. */
  readonly written?: number
  readonly output: number | null
  /**
   * Output that is reported apart from the completion tokens. It is believed up to the limit (K10).
   */
  readonly beside: number
}

/** No answer has as many tokens. With this bound, sums of figures stay exact whole numbers. */
const MOST_TOKENS = 1e12

/** A figure of a report as a count of tokens; null if it can be none (A6). */
export const countIn = (value: Json | undefined): number | null =>
  typeof value === 'number' &&
  (Number.isInteger(value) || value === Number.POSITIVE_INFINITY) &&
  value >= 0
    ? Math.min(value, MOST_TOKENS)
    : null

export const isZero = ({ input, output, beside }: Report): boolean =>
  (input ?? 0) === 0 && (output ?? 0) === 0 && beside === 0

/** All output tokens of a report. Null if it names none. */
export const outputOf = ({ output, beside }: Report): number | null =>
  output === null ? null : output + beside

/** Everything that one response reported. */
export class Reports {
  /** Reports that came without a choice. */
  readonly #apart: Report[] = []
  /** Null until a report comes with a choice. */
  #byChoice: Map<number, Report> | null = null
  readonly #choices: number
  #finishedThen = 0
  #zero: Report | null = null

  constructor(choices: number) {
    this.#choices = choices
  }

  /**
   * @param choice the choice that it came with; null if it came alone
   * @param finished how many choices had finished: llama.cpp sends a usage after each of them
   */
  add(report: Report, choice: number | null, finished: number): void {
    if (isZero(report)) {
      this.#zero = report
    } else if (choice !== null) {
      this.#byChoice ??= new Map()
      this.#byChoice.set(choice, report)
    } else {
      const anew =
        this.#choices === 1 || this.#finishedThen === 0 || finished === this.#finishedThen
      if (anew) this.#apart.pop()
      this.#apart.push(report)
      this.#finishedThen = finished
    }
  }

  /** One report stands for the whole response. */
  get single(): boolean {
    const { length } = this.#apart
    return length === 1 || (length === 0 && this.#byChoice?.size === 1)
  }

  /**
   * The sum of the last report of each choice. All choices share one prompt, which is counted once;
   * several prompts are counted each.
   */
  total(prompts: number): Report | null {
    const apart = sum(this.#apart, prompts)
    const byChoice = this.#byChoice === null ? null : sum([...this.#byChoice.values()], prompts)
    if (apart === null) return byChoice ?? this.#zero
    const more = byChoice !== null && (outputOf(byChoice) ?? 0) > (outputOf(apart) ?? 0)
    return more ? byChoice : apart
  }
}

function sum(reports: readonly Report[], prompts: number): Report | null {
  const [first, ...others] = reports
  if (first === undefined) return null
  return others.reduce(
    (all, { input, cached, written, output, beside }) => ({
      input: both(all.input, input, (a, b) => (prompts > 1 ? a + b : Math.max(a, b))),
      cached: prompts > 1 ? all.cached + cached : Math.min(all.cached, cached),
      ...writtenOf(all.written, written),
      output: both(all.output, output, (a, b) => a + b),
      beside: all.beside + beside,
    }),
    first,
  )
}

const both = (
  a: number | null,
  b: number | null,
  join: (a: number, b: number) => number,
): number | null => (a === null || b === null ? null : join(a, b))

/** Backends of one API report what they wrote into a cache, or none of them does. */
const writtenOf = (a?: number, b?: number): Pick<Report, 'written'> =>
  a === undefined && b === undefined ? {} : { written: (a ?? 0) + (b ?? 0) }
