import type { JsonObject } from '../kit/json.ts'
import { memberSpan, type Span } from '../kit/strip-usage.ts'
import { choicesOf, saysNothing } from './choices.ts'
import { SENT_ANYWAY, type Watched } from './endpoint.ts'

/** The part of an event that exists only because the gate asked for usage. Null if there is none. */
export function addedUsage(
  { asked, backend, endpoint }: Watched,
  chunk: JsonObject,
  event: Buffer,
): Span | null {
  if (asked.wantsUsage || chunk.usage === undefined) return null
  if (chunk.usage !== null && choicesOf(chunk).every(saysNothing)) {
    return { from: 0, to: event.length }
  }
  return SENT_ANYWAY[backend].includes(endpoint.name) ? null : memberSpan(event, 'usage')
}
