import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { countIn, type Report } from '../kit/usage-report.ts'

/** What a response reports in its `usage`. Null if it reports nothing. */
export function reportOf({ usage }: JsonObject): Report | null {
  if (!isObject(usage)) return null
  const input = countIn(usage.input_tokens ?? usage.prompt_tokens)
  const output = countIn(usage.output_tokens ?? usage.completion_tokens)
  if (input === null && output === null) return null
  const rest = (countIn(usage.total_tokens) ?? 0) - (input ?? Number.POSITIVE_INFINITY)
  const cached = Math.min(cachedOf(usage), input ?? 0)
  if (output === null) return { input, cached, output: rest > 0 ? rest : null, beside: 0 }
  return { input, cached, output, beside: Math.max(0, rest - output, hiddenOf(usage, output)) }
}

/** Thinking that cannot be a part of so few output tokens (threats K10, J16). */
function hiddenOf({ output_tokens_details: details }: JsonObject, output: number): number {
  const thinking = isObject(details) ? (countIn(details.reasoning_tokens) ?? 0) : 0
  return thinking > output ? thinking : 0
}

/** The names under which backends report how much of the prompt they had in their cache (K11). */
const CACHED = ['cached_tokens', 'prompt_cache_hit_tokens', 'cache_read_input_tokens'] as const

function cachedOf(usage: JsonObject): number {
  const { input_tokens_details: details, prompt_tokens_details: other } = usage
  return Math.max(cachedIn(usage), cachedIn(details), cachedIn(other))
}

const cachedIn = (part: Json | undefined): number =>
  isObject(part) ? Math.max(...CACHED.map((key) => countIn(part[key]) ?? 0)) : 0
