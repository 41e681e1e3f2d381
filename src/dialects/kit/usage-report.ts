import { isObject, type Json, type JsonObject } from './json.ts'

/** What one usage says. A figure is null where it says nothing that can be a count (A6). */
export interface Report {
  readonly input: number | null
  /** Of the input; at the price of cached tokens. */
  readonly cached: number
  readonly output: number | null
  /** Output that the usage shows beside its completion tokens: believed up to the limit (K10). */
  readonly beside: number
}

/** What a chunk or an answer reports; null where it reports nothing. Embeddings may leave the output out. */
export function reportOf(chunk: JsonObject, hasOutput: boolean): Report | null {
  const usage = usageOf(chunk)
  const report = usage === null ? null : fromUsage(usage, hasOutput)
  if (report !== null) return report
  return isObject(chunk.timings) ? fromTimings(chunk.timings) : null
}

/** The usage of a chunk: Groq and Moonshot have places of their own for it. */
function usageOf(chunk: JsonObject): JsonObject | null {
  if (isObject(chunk.usage)) return chunk.usage
  if (isObject(chunk.x_groq) && isObject(chunk.x_groq.usage)) return chunk.x_groq.usage
  const [choice] = Array.isArray(chunk.choices) ? chunk.choices : []
  return isObject(choice) && isObject(choice.usage) ? choice.usage : null
}

function fromUsage(usage: JsonObject, hasOutput: boolean): Report | null {
  const input = count(usage.prompt_tokens) ?? (hasOutput ? null : count(usage.total_tokens))
  const made = hasOutput ? count(usage.completion_tokens) : 0
  if (input === null && (made === null || !hasOutput)) return null
  const rest = (count(usage.total_tokens) ?? 0) - (input ?? Number.POSITIVE_INFINITY)
  const cached = Math.min(cachedOf(usage), input ?? 0)
  if (!hasOutput) return { input, cached, output: 0, beside: 0 }
  if (made === null) return { input, cached, output: rest > 0 ? rest : null, beside: 0 }
  return { input, cached, output: made, beside: Math.max(0, rest - made, hiddenOf(usage, made)) }
}

/** Thinking and rejected predictions that cannot be a part of so few completion tokens. */
function hiddenOf(usage: JsonObject, made: number): number {
  const { completion_tokens_details: a, output_tokens_details: b } = usage
  const details = isObject(a) ? a : isObject(b) ? b : usage
  const parts = [details.reasoning_tokens, details.rejected_prediction_tokens]
  const hidden = parts.map((part) => count(part) ?? 0).filter((part) => part > made)
  return hidden.reduce((all, part) => all + part, 0)
}

/** Where backends say how much of the prompt they had in their cache (K11). */
const CACHED = ['cached_tokens', 'prompt_cache_hit_tokens', 'cache_read_input_tokens']
const CACHED_DETAILS = ['prompt_tokens_details', 'input_tokens_details', 'prompt_details']

function cachedOf(usage: JsonObject): number {
  let most = 0
  for (const part of [usage, ...CACHED_DETAILS.map((key) => usage[key])]) {
    if (!isObject(part)) continue
    for (const key of CACHED) most = Math.max(most, count(part[key]) ?? 0)
  }
  return most
}

/** llama.cpp says the same in its own words where no usage was asked for. */
function fromTimings(timings: JsonObject): Report | null {
  const cached = count(timings.cache_n ?? 0)
  const fresh = count(timings.prompt_n)
  const output = count(timings.predicted_n)
  if (cached === null || fresh === null || output === null) return null
  return { input: cached + fresh, cached, output, beside: 0 }
}

/** No model has ever read or made as many tokens: sums of such figures stay whole numbers. */
const MOST_TOKENS = 1e12

const count = (value: Json | undefined): number | null =>
  typeof value === 'number' &&
  (Number.isInteger(value) || value === Number.POSITIVE_INFINITY) &&
  value >= 0
    ? Math.min(value, MOST_TOKENS)
    : null

export const isZero = ({ input, output, beside }: Report): boolean =>
  (input ?? 0) === 0 && (output ?? 0) === 0 && beside === 0

/** Output tokens of a report, with what stands beside them; null where it names none. */
export const outputOf = ({ output, beside }: Report): number | null =>
  output === null ? null : output + beside

/** Everything that one response reported. */
export class Reports {
  /** From chunks that belong to no choice. */
  readonly #apart: Report[] = []
  readonly #byChoice = new Map<number, Report>()
  readonly #choices: number
  #finishedThen = 0
  #zero: Report | null = null

  constructor(choices: number) {
    this.#choices = choices
  }

  /**
   * @param choice the choice that it came with, null where it stood alone
   * @param finished choices that were finished by then: llama.cpp sends a usage after each
   */
  add(report: Report, choice: number | null, finished: number): void {
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
  total(prompts: number): Report | null {
    const apart = sum(this.#apart, prompts)
    const byChoice = sum([...this.#byChoice.values()], prompts)
    if (apart === null) return byChoice ?? this.#zero
    const more = byChoice !== null && (outputOf(byChoice) ?? 0) > (outputOf(apart) ?? 0)
    return more ? byChoice : apart
  }
}

function sum(reports: readonly Report[], prompts: number): Report | null {
  const [first, ...others] = reports
  if (first === undefined) return null
  return others.reduce(
    (all, { input, cached, output, beside }) => ({
      input: both(all.input, input, (a, b) => (prompts > 1 ? a + b : Math.max(a, b))),
      cached: prompts > 1 ? all.cached + cached : Math.min(all.cached, cached),
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
