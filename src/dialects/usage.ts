import type { Tokens } from '../money/price.ts'
import { isObject, type Json, type JsonObject } from './json.ts'

/**
 * What a chunk or an answer reports, or null where it reports nothing that can be a count: not there,
 * a string, negative, not whole (threats A6). Embeddings may leave the output out.
 */
export function reportOf(chunk: JsonObject, hasOutput: boolean): Tokens | null {
  if (isObject(chunk.usage)) return fromUsage(chunk.usage, hasOutput)
  return isObject(chunk.timings) ? fromTimings(chunk.timings) : null
}

function fromUsage(usage: JsonObject, hasOutput: boolean): Tokens | null {
  const input = count(usage.prompt_tokens)
  const made = count(hasOutput ? usage.completion_tokens : (usage.completion_tokens ?? 0))
  if (input === null || made === null) return null
  const details = usage.prompt_tokens_details
  const cached = (isObject(details) ? count(details.cached_tokens) : null) ?? 0
  return { input, cached: Math.min(cached, input), output: made + apart(usage, input + made) }
}

/** Reasoning that a backend leaves out of its completion tokens but not out of its total (xAI). */
function apart(usage: JsonObject, without: number): number {
  const details = usage.completion_tokens_details
  const reasoning = (isObject(details) ? count(details.reasoning_tokens) : null) ?? 0
  return count(usage.total_tokens) === without + reasoning ? reasoning : 0
}

/** llama.cpp says the same in its own words where no usage was asked for. */
function fromTimings(timings: JsonObject): Tokens | null {
  const cached = count(timings.cache_n ?? 0)
  const fresh = count(timings.prompt_n)
  const output = count(timings.predicted_n)
  if (cached === null || fresh === null || output === null) return null
  return { input: cached + fresh, cached, output }
}

const count = (value: Json | undefined): number | null =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null

export const isZero = (report: Tokens): boolean => report.input === 0 && report.output === 0

/** Everything that one response reported. */
export class Reports {
  /** From chunks that belong to no choice. */
  readonly #apart: Tokens[] = []
  readonly #byChoice = new Map<number, Tokens>()
  readonly #choices: number
  #finishedThen = 0
  #zero: Tokens | null = null

  constructor(choices: number) {
    this.#choices = choices
  }

  /**
   * @param choice the choice that it came with, null where it stood alone
   * @param finished choices that were finished by then: llama.cpp sends a usage after each
   */
  add(report: Tokens, choice: number | null, finished: number): void {
    if (isZero(report)) {
      this.#zero = report
    } else if (choice !== null) {
      this.#byChoice.set(choice, report)
    } else {
      const anew =
        this.#choices === 1 || this.#finishedThen === 0 || finished === this.#finishedThen
      if (anew) this.#apart.pop()
      this.#apart.push(report)
      this.#finishedThen = finished
    }
  }

  /** True where one figure stands for the whole response. */
  get single(): boolean {
    return this.#apart.length + (this.#apart.length === 0 ? this.#byChoice.size : 0) === 1
  }

  /**
   * The last report of each choice, summed. The prompt is counted once however many choices there
   * are, but each of several prompts by itself.
   */
  total(prompts: number): Tokens | null {
    const apart = sum(this.#apart, prompts)
    const byChoice = sum([...this.#byChoice.values()], prompts)
    if (apart === null) return byChoice ?? this.#zero
    return byChoice !== null && byChoice.output > apart.output ? byChoice : apart
  }
}

function sum(reports: readonly Tokens[], prompts: number): Tokens | null {
  const [first, ...others] = reports
  if (first === undefined) return null
  return others.reduce(
    (all, { input, cached, output }) => ({
      input: prompts > 1 ? all.input + input : Math.max(all.input, input),
      cached: prompts > 1 ? all.cached + cached : Math.min(all.cached, cached),
      output: all.output + output,
    }),
    first,
  )
}
