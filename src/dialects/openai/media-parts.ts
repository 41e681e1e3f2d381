import type { Result } from '../../floor/result.ts'
import type { Malformed, MediaTerms } from '../dialect.ts'
import { refuse, unpriced } from '../kit/checks.ts'
import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { Pictures } from '../kit/pictures.ts'
import { soundTokens } from '../kit/sound.ts'

/** The types of parts that hold a picture or sound. Their contents are in a member of the same name. */
const MEDIA_TYPES = ['image_url', 'input_audio'] as const

type MediaType = (typeof MEDIA_TYPES)[number]

/** The type of a part that holds a picture or sound; null for every other part. */
export const mediaTypeOf = (part: JsonObject): MediaType | null =>
  MEDIA_TYPES.find((type) => part.type === type) ?? null

/** What may stand beside a picture or sound. vLLM would show another buyer's picture for a `uuid`. */
const BESIDE: ReadonlySet<string> = new Set(['type', 'cache_control'])

/** The pictures and the sound in the messages of one request (OpenAI API reference, "Create chat completion"). */
export class MediaParts {
  /** The most tokens of all that was read. */
  tokens = 0
  readonly #terms: MediaTerms
  readonly #pictures: Pictures

  constructor(terms: MediaTerms) {
    this.#terms = terms
    this.#pictures = new Pictures(terms)
  }

  /** Reads a part that holds a picture or sound. Returns why it is refused, or null. */
  add(part: JsonObject, type: MediaType, param: string): Malformed | null {
    for (const [key, value] of Object.entries(part)) {
      const known = key === type || BESIDE.has(key)
      if (!known && value !== null) return unpriced(`${param}.${key}`)
    }
    const where = `${param}.${type}`
    const value = part[type]
    const refusal = type === 'image_url' ? this.#picture(value, where) : this.#sound(value, where)
    return refusal
  }

  /** Mistral takes the URL itself, OpenAI an object. */
  #picture(value: Json | undefined, param: string): Malformed | null {
    if (typeof value === 'string') return this.#count(this.#pictures.url(value, null, param))
    if (!isObject(value) || typeof value.url !== 'string') return badPicture(param)
    const { url, detail, ...others } = value
    const [other] = Object.keys(others)
    if (other !== undefined) return unpriced(`${param}.${other}`)
    if (detail !== undefined && detail !== null && typeof detail !== 'string')
      return refuse('invalid_type', `${param}.detail must be a string.`, `${param}.detail`)
    return this.#count(this.#pictures.url(url, detail ?? null, `${param}.url`))
  }

  #sound(value: Json | undefined, param: string): Malformed | null {
    if (!isObject(value) || typeof value.data !== 'string') return badSound(param)
    const { data, format, ...others } = value
    const [other] = Object.keys(others)
    if (other !== undefined) return unpriced(`${param}.${other}`)
    if (format !== 'wav' && format !== 'mp3') return badSound(param)
    return this.#count(soundTokens(data, this.#terms, `${param}.data`))
  }

  #count(read: Result<number, Malformed>): Malformed | null {
    if (!read.ok) return read.error
    this.tokens += read.value
    return null
  }
}

const badPicture = (param: string): Malformed =>
  refuse(
    'invalid_type',
    `${param} must be an object, as in {"url": "data:image/png;base64,iVBORw0…"}.`,
    param,
  )

const badSound = (param: string): Malformed =>
  refuse(
    'invalid_type',
    `${param} must be an object with data in base64 and a format of wav or mp3.`,
    param,
  )
