import type { Relayed } from './relay-owner.ts'

/** Statuses that say that a path takes no such request, or that nothing takes one like it. */
const NOT_THERE = new Set([405, 501])
/** LM Studio answers 200 to every path: `Unexpected endpoint or method. (POST /v1/messages)`. */
const UNEXPECTED = /^\s*\{\s*"error"\s*:\s*"unexpected endpoint or method/i
/**
 * What a 404 speaks of if it is about something that the request names: the path is there. OpenAI
 * writes `Item with id 'rs_1' not found` for thinking that a client invents. If that were taken for a
 * missing path, one buyer could turn the API off for all others.
 */
const NAMED = /\b(?:models?|items?|ids?|containers?|conversations?|prompts?|inputs?)\b|model_/i

/**
 * Whether the backend says that the path of the request is not there, so it lacks this API. A text that
 * the request may have brought with it decides nothing. Nothing was generated in either case.
 */
export function lacksApi({ said }: Pick<Relayed, 'said'>): boolean {
  if (said === null) return false
  const text = Buffer.from(said.body).toString('utf8')
  if (said.status === 404) return !NAMED.test(text)
  return NOT_THERE.has(said.status) || (said.status === 200 && UNEXPECTED.test(text))
}
