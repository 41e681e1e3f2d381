import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { type Share, TextLeft } from '../kit/text-left.ts'

/** Members of a response that may repeat what was taken out. */
const REPEATS: ReadonlySet<string> = new Set(['output_text', 'timings'])

/**
 * A whole response without what was not granted, ended as at an output limit (threats J8). A call of a tool
 * is shown whole or not at all: half of one is another call.
 */
export function shorten(answer: JsonObject, share: Share): JsonObject {
  const left = new TextLeft(share)
  const output: Json[] = []
  for (const item of Array.isArray(answer.output) ? answer.output : []) {
    const short = isObject(item) ? shortItem(item, left) : null
    if (short !== null) output.push(short)
  }
  const kept = Object.entries(answer).filter(([key]) => !REPEATS.has(key))
  return {
    ...Object.fromEntries(kept),
    ...{ output, status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    ...(isObject(answer.usage) ? { usage: shortUsage(answer.usage, share.output) } : {}),
  }
}

function shortItem(item: JsonObject, left: TextLeft): JsonObject | null {
  if (left.cut) return null
  const { type, content, summary } = item
  if (type !== 'message' && type !== 'reasoning') return left.takes(callText(item)) ? item : null
  const short: JsonObject = { ...item }
  if (Array.isArray(summary)) short.summary = shortParts(summary, left)
  if (Array.isArray(content)) short.content = shortParts(content, left)
  if (!left.cut) return item
  // Encrypted thinking cannot be cut, and holds what was not granted.
  const { encrypted_content: _, ...rest } = short
  return { ...rest, status: 'incomplete' }
}

const callText = ({ id: _, type: __, call_id: ___, status: ____, ...said }: JsonObject): string =>
  JSON.stringify(said)

function shortParts(parts: readonly Json[], left: TextLeft): Json[] {
  const short: Json[] = []
  for (const part of parts) {
    if (left.cut || !isObject(part)) continue
    const key = typeof part.refusal === 'string' ? 'refusal' : 'text'
    const text = part[key]
    if (typeof text !== 'string') continue
    const begin = left.text(text)
    // What was taken out may stand in its annotations and its probabilities too.
    const beside = left.cut && part.type === 'output_text' ? { annotations: [], logprobs: [] } : {}
    short.push({ ...part, ...beside, [key]: begin })
  }
  return short
}

/** The usage of what is shown. The details are left out, because they are about what was made. */
function shortUsage(
  { input_tokens: input, output_tokens: made }: JsonObject,
  most: number,
): JsonObject {
  const output_tokens = typeof made === 'number' ? Math.min(made, most) : most
  if (typeof input !== 'number') return { output_tokens }
  return { input_tokens: input, output_tokens, total_tokens: input + output_tokens }
}
