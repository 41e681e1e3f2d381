import { isObject, type JsonObject } from '../kit/json.ts'
import { readJson } from '../kit/tolerant-json.ts'
import { choicesOf } from './choices.ts'
import type { Endpoint } from './endpoint.ts'

/**
 * A whole answer as the one chunk of a stream that has begun already: a backend took its time, the
 * gate kept the stream open meanwhile, and then the answer came in one piece. Null where it cannot
 * be told.
 */
export function asChunk(
  body: Uint8Array,
  endpoint: Endpoint,
  wantsUsage: boolean,
): JsonObject | null {
  const answer = readJson(Buffer.from(body).toString('utf8'))
  if (!isObject(answer)) return null
  const { usage, ...rest } = answer
  const choices = choicesOf(answer).map(asDelta)
  const chunk: JsonObject = { ...rest, object: endpoint.object, choices }
  return wantsUsage && usage !== undefined ? { ...chunk, usage } : chunk
}

function asDelta({ message, ...choice }: JsonObject): JsonObject {
  if (!isObject(message)) return choice
  const calls = message.tool_calls
  if (!Array.isArray(calls)) return { ...choice, delta: message }
  const placed = calls.map((call, index) => (isObject(call) ? { index, ...call } : call))
  return { ...choice, delta: { ...message, tool_calls: placed } }
}
