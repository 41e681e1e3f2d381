import { isObject, type JsonObject } from '../kit/json.ts'
import { countIn, type Report } from '../kit/usage-report.ts'

/**
 * What a chunk or an answer reports. Null if it reports nothing. Embeddings need not name an
 * output.
 */
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
  const input = countIn(usage.prompt_tokens) ?? (hasOutput ? null : countIn(usage.total_tokens))
  const made = hasOutput ? countIn(usage.completion_tokens) : 0
  if (input === null && (made === null || !hasOutput)) return null
  const rest = (countIn(usage.total_tokens) ?? 0) - (input ?? Number.POSITIVE_INFINITY)
  const cached = Math.min(cachedOf(usage), input ?? 0)
  if (!hasOutput) return { input, cached, output: 0, beside: 0 }
  if (made === null) return { input, cached, output: rest > 0 ? rest : null, beside: 0 }
  return { input, cached, output: made, beside: Math.max(0, rest - made, hiddenOf(usage, made)) }
}

/** Thinking and rejected predictions that cannot be a part of so few completion tokens. */
function hiddenOf(usage: JsonObject, made: number): number {
  const { completion_tokens_details: a, output_tokens_details: b } = usage
  const details = isObject(a) ? a : isObject(b) ? b : usage
  const thinking = countIn(details.reasoning_tokens) ?? 0
  const rejected = countIn(details.rejected_prediction_tokens) ?? 0
  return (thinking > made ? thinking : 0) + (rejected > made ? rejected : 0)
}

/** The names under which backends report how much of the prompt they had in their cache (K11). */
const CACHED = ['cached_tokens', 'prompt_cache_hit_tokens', 'cache_read_input_tokens']
const CACHED_DETAILS = ['prompt_tokens_details', 'input_tokens_details', 'prompt_details']

function cachedOf(usage: JsonObject): number {
  let most = cachedIn(usage)
  for (const key of CACHED_DETAILS) {
    const part = usage[key]
    if (isObject(part)) most = Math.max(most, cachedIn(part))
  }
  return most
}

function cachedIn(part: JsonObject): number {
  let most = 0
  for (const key of CACHED) most = Math.max(most, countIn(part[key]) ?? 0)
  return most
}

/** llama.cpp reports the same in its own words if no usage was asked for. */
function fromTimings(timings: JsonObject): Report | null {
  const cached = countIn(timings.cache_n ?? 0)
  const fresh = countIn(timings.prompt_n)
  const output = countIn(timings.predicted_n)
  if (cached === null || fresh === null || output === null) return null
  return { input: cached + fresh, cached, output, beside: 0 }
}
