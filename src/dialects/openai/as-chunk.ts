import { isObject, type JsonObject } from '../kit/json.ts'
import { readJson } from '../kit/tolerant-json.ts'
import { choicesOf } from './choices.ts'
import type { Endpoint } from './endpoint.ts'

/**
 * Turns an answer in one piece into the only chunk of a stream. This happens if the gate has begun
 * a stream, to keep it open while the backend was silent, and the backend then answers in one
 * piece. Null if the answer cannot be read.
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
