import type { Asked, Refused } from '../dialect.ts'
import { holdsName, namedFields } from '../kit/refused-fields.ts'

/** Fields that a rewritten request may have although its client sent none (threats K5). */
const ADDED = ['max_tokens', 'max_completion_tokens', 'stream_options', 'cache_salt'] as const
type Added = (typeof ADDED)[number]

/**
 * `Dialect.respell`. If the client's body contains the name of a field, the client sent it itself.
 */
export function respell(asked: Asked, refusal: Uint8Array, before: Refused): Refused | null {
  const named = refusedFields(refusal).filter((field) => !holdsName(asked.body, field))
  return named.length === 0 ? null : spelledOtherwise(before, named)
}

const OTHER_NAME: Partial<Record<Added, Added>> = {
  max_tokens: 'max_completion_tokens',
  max_completion_tokens: 'max_tokens',
}

/** An output limit changes its name: a name that was refused before is tried again. */
function spelledOtherwise(before: Refused, named: readonly Added[]): Refused {
  const refused = new Set(before)
  for (const field of named) {
    const other = OTHER_NAME[field]
    if (other !== undefined && !named.includes(other)) refused.delete(other)
    refused.add(field)
  }
  return refused
}

/** The fields of the gate's own that an error names (threats K5). */
export const refusedFields = (refusal: Uint8Array): readonly Added[] => namedFields(refusal, ADDED)
