import { err, type Result } from '../../floor/result.ts'
import type { Malformed } from '../dialect.ts'
import { ambiguous, refuse, unpriced } from '../kit/checks.ts'
import { folded, isObject, type Json } from '../kit/json.ts'
import type { Pictures } from '../kit/pictures.ts'

/** Its known keys for each type. Every other member would be a text that nobody counts. */
const KEYS: Readonly<Record<string, ReadonlySet<string>>> = {
  base64: new Set(['type', 'media_type', 'data']),
  url: new Set(['type', 'url']),
}

const ALL: ReadonlySet<string> = new Set(['type', 'media_type', 'data', 'url', 'file_id'])

/**
 * The most tokens of a picture, by its `source` (Anthropic API reference, "Vision"). A file that the
 * backend keeps is refused (threats L18).
 */
export function pictureOf(
  source: Json | undefined,
  pictures: Pictures,
  param: string,
): Result<number, Malformed> {
  if (!isObject(source)) return err(unpriced(param))
  const key = folded(source, ALL)
  if (key !== null) return err(ambiguous(key, param))
  const { type, data, url, media_type: media } = source
  if (type === 'file') return err(keptFile(param))
  const known = typeof type === 'string' && Object.hasOwn(KEYS, type) ? KEYS[type] : undefined
  const odd = media !== undefined && !(typeof media === 'string' && MEDIA.test(media))
  if (known === undefined || odd || Object.keys(source).some((name) => !known.has(name)))
    return err(unpriced(param))
  if (type === 'base64' && typeof data === 'string') return pictures.base64(data, `${param}.data`)
  if (type === 'url' && typeof url === 'string') return pictures.url(url, null, `${param}.url`)
  return err(unpriced(param))
}

const MEDIA = /^image\/[a-z0-9.+-]{1,40}$/i

const keptFile = (param: string): Malformed =>
  refuse(
    'unsupported_content',
    `${param} names a file that the model server keeps, which is not served. Send the picture itself as base64.`,
    param,
  )
