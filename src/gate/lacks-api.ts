import type { Relayed } from './relay-owner.ts'

/** Statuses that say that a path takes no such request, or that nothing takes one like it. */
const NOT_THERE = new Set([405, 501])
/** LM Studio answers 200 to every path: `Unexpected endpoint or method. (POST /v1/messages)`. */
const UNEXPECTED = /unexpected endpoint or method/i

/**
 * Whether the backend says that the path of the request is not there, so it lacks this API. A 404 that
 * speaks of a model is about the model: the path is there. Nothing was generated in either case.
 */
export function lacksApi({ said }: Pick<Relayed, 'said'>): boolean {
  if (said === null) return false
  const text = Buffer.from(said.body).toString('utf8')
  if (said.status === 404) return !/\bmodels?\b|model_/i.test(text)
  return NOT_THERE.has(said.status) || (said.status === 200 && UNEXPECTED.test(text))
}
