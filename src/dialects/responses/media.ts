import { err, type Result } from '../../floor/result.ts'
import type { Malformed, MediaTerms } from '../dialect.ts'
import { unpriced } from '../kit/checks.ts'
import type { JsonObject } from '../kit/json.ts'

/** The tokens of a picture or a sound in a prompt, or why it has no price. */
export function mediaTokens(
  _part: JsonObject,
  param: string,
  _terms: MediaTerms,
): Result<number, Malformed> {
  return err(unpriced(param))
}
