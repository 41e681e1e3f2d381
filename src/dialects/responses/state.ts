import type { Malformed } from '../dialect.ts'
import { refuse } from '../kit/checks.ts'
import { isObject, type Json, type JsonObject } from '../kit/json.ts'

/** What a field may say, and what its refusal tells to do. */
interface Bound {
  readonly allowed: readonly Json[]
  readonly instead: string
}

const STATELESS =
  'This gate keeps no conversations: send the whole conversation in input, with store: false.'
const ONE_PRICE = 'It has another price at the model server. Leave it out.'

/**
 * Fields by which a request reaches state at the upstream, or changes its price there (threats L18). A
 * value that means the same as leaving the field out is no reason to refuse.
 */
const BOUNDS: Readonly<Record<string, Bound>> = {
  previous_response_id: { allowed: [null], instead: STATELESS },
  conversation: { allowed: [null], instead: STATELESS },
  prompt: {
    allowed: [null],
    instead: 'It is a template at the model server. Send its text in instructions and input.',
  },
  background: {
    allowed: [null, false],
    instead: 'Nothing runs on after its answer here. Leave it out, and use stream: true.',
  },
  store: { allowed: [null, false, true], instead: 'It must be true or false.' },
  truncation: {
    allowed: [null, 'disabled'],
    instead: 'It makes another prompt than the one that is priced. Leave it out.',
  },
  context_management: {
    allowed: [null],
    instead: 'It makes another prompt than the one that is priced. Leave it out.',
  },
  service_tier: { allowed: [null, 'auto', 'default'], instead: ONE_PRICE },
}

/** Refuses a field of `BOUNDS` by its name, or returns null. */
export function stateRefused(request: JsonObject): Malformed | null {
  for (const [field, { allowed, instead }] of Object.entries(BOUNDS)) {
    const value = request[field]
    if (value === undefined || allowed.includes(value)) continue
    return refuse('unsupported_parameter', `${field} is not served here. ${instead}`, field)
  }
  const { reasoning } = request
  const mode = isObject(reasoning) ? reasoning.mode : undefined
  if (mode === undefined || mode === null || mode === 'standard') return null
  const param = 'reasoning.mode'
  return refuse('unsupported_parameter', `${param} is not served here. ${ONE_PRICE}`, param)
}
