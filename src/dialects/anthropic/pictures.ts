import { err, type Result } from '../../floor/result.ts'
import type { Malformed, MediaTerms } from '../dialect.ts'
import { ambiguous, refuse, unpriced } from '../kit/checks.ts'
import { folded, isObject, type Json } from '../kit/json.ts'
import { SOURCE } from './fields.ts'

/** The most tokens of a picture, by its `source`. A file that the backend keeps is refused (L18). */
export function pictureOf(
  source: Json | undefined,
  _: MediaTerms,
  param: string,
): Result<number, Malformed> {
  if (!isObject(source)) return err(unpriced(param))
  const key = folded(source, SOURCE)
  if (key !== null) return err(ambiguous(key, param))
  if (source.type !== 'file') return err(unpriced(param))
  return err(
    refuse(
      'unsupported_content',
      `${param} names a file that the model server keeps, which is not served. Send the picture itself as base64.`,
      param,
    ),
  )
}
