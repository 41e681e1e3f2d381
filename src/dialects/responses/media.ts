import { err, type Result } from '../../floor/result.ts'
import type { Malformed, MediaTerms } from '../dialect.ts'
import { refuse, unpriced } from '../kit/checks.ts'
import { isObject, type JsonObject } from '../kit/json.ts'
import { Pictures } from '../kit/pictures.ts'
import { soundTokens } from '../kit/sound.ts'
import type { ReadMedia } from './items.ts'

/**
 * Reads the pictures and the sound of one request: the most tokens of each, or why it has no price. Files,
 * and what is kept at the upstream, have none.
 */
export function mediaOf(terms: MediaTerms): ReadMedia {
  const pictures = new Pictures(terms)
  return (part, param) => {
    if (part.type === 'input_image') return picture(part, param, pictures)
    return part.type === 'input_audio' ? sound(part, param, terms) : err(unpriced(param))
  }
}

function picture(
  { type: _, image_url: url, detail, ...others }: JsonObject,
  param: string,
  pictures: Pictures,
): Result<number, Malformed> {
  const other = firstOf(others)
  if (other !== undefined) return err(unpriced(`${param}.${other}`))
  if (typeof url !== 'string') return err(badPicture(param))
  if (detail !== undefined && detail !== null && typeof detail !== 'string')
    return err(refuse('invalid_type', `${param}.detail must be a string.`, `${param}.detail`))
  return pictures.url(url, detail ?? null, `${param}.image_url`)
}

const badPicture = (param: string): Malformed =>
  refuse(
    'invalid_type',
    `${param}.image_url must be a string, as in "data:image/png;base64,iVBORw0…".`,
    `${param}.image_url`,
  )

function sound(
  { type: _, input_audio: value, ...others }: JsonObject,
  param: string,
  terms: MediaTerms,
): Result<number, Malformed> {
  const other = firstOf(others)
  if (other !== undefined) return err(unpriced(`${param}.${other}`))
  const where = `${param}.input_audio`
  const { data, format, ...more } = isObject(value) ? value : {}
  const fits = typeof data === 'string' && (format === 'wav' || format === 'mp3')
  if (!fits || firstOf(more) !== undefined) {
    const message = `${where} must be an object with data in base64 and a format of wav or mp3.`
    return err(refuse('invalid_type', message, where))
  }
  return soundTokens(data, terms, `${where}.data`)
}

/** The first member that says something. */
const firstOf = (object: JsonObject): string | undefined =>
  Object.keys(object).find((key) => object[key] !== null)
