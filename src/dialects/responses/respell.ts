import type { Asked, Refused } from '../dialect.ts'
import { holdsName, namedFields } from '../kit/refused-fields.ts'

/**
 * Fields that the gate writes so that nothing of a request stays at the upstream or runs on there (threats
 * L18). A backend that does not know them has nothing to switch off.
 */
export const OFF = ['store', 'background'] as const

/**
 * `Dialect.respell`: a backend that refuses one of them gets the request without it (threats K5). The
 * output limit has one name in this API, so it stays.
 */
export function respell(asked: Asked, refusal: Uint8Array, before: Refused): Refused | null {
  const named = namedFields(refusal, [...OFF, 'cache_salt']).filter(
    (field) => !holdsName(asked.body, field),
  )
  return named.length === 0 ? null : new Set([...before, ...named])
}
