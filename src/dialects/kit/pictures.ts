import { err, ok, type Result } from '../../floor/result.ts'
import type { Malformed, MediaTerms } from '../dialect.ts'
import { base64Bytes } from './base64-bytes.ts'
import { refuse } from './checks.ts'
import { type Size, sizeOf } from './picture-size.ts'
import { tokensOfSize } from './picture-tokens.ts'
import { isPublicUrl } from './picture-url.ts'

/** The most pictures in a request. */
export const MOST_PICTURES = 100
/** The most pixels of one picture. Each is decoded to some four bytes, whatever its file has. */
const MOST_PIXELS = 64_000_000
/** The most pixels of all pictures in a request. */
const MOST_PIXELS_IN_ALL = 200_000_000
/** A backend that scales the shorter side to its own size makes a huge picture of a long line. */
const MOST_TIMES_AS_LONG = 200

/**
 * The pictures of one request. Each returns the most tokens that it can be, for `readable.tokens`, or why
 * it is refused: it is no picture, it would fill the backend's memory (threats L19), or the backend would
 * have to fetch it from where it must not (threats G11).
 */
export class Pictures {
  readonly #terms: MediaTerms
  #count = 0
  #pixels = 0

  constructor(terms: MediaTerms) {
    this.#terms = terms
  }

  /**
   * A picture by a `data:` URL, or by one that the backend fetches.
   * @param detail as the client wrote it. It lowers no bound, because most backends do not obey it.
   */
  url(url: string, detail: string | null, param: string): Result<number, Malformed> {
    if (detail !== null && !DETAILS.has(detail)) return err(badDetail(param))
    if (!/^data:/i.test(url)) return this.#remote(url, param)
    const head = DATA_URL.exec(url.slice(0, LONGEST_HEAD))
    return head === null ? err(notAPicture(param)) : this.base64(url.slice(head[0].length), param)
  }

  /** A picture as bare base64. */
  base64(data: string, param: string): Result<number, Malformed> {
    const bytes = base64Bytes(data)
    if (bytes === null) return err(notBase64(param))
    const size = sizeOf(bytes)
    if (size === null) return err(notAPicture(param))
    this.#pixels += size.width * size.height
    const refusal = tooLarge(size, param) ?? this.#tooMany(param)
    return refusal === null ? ok(tokensOfSize(size, this.#terms.imageTokens)) : err(refusal)
  }

  #remote(url: string, param: string): Result<number, Malformed> {
    if (!this.#terms.remoteUrls) return err(noRemote(param))
    const refusal = isPublicUrl(url) ? this.#tooMany(param) : notPublic(param)
    return refusal === null ? ok(this.#terms.imageTokens) : err(refusal)
  }

  #tooMany(param: string): Malformed | null {
    this.#count += 1
    if (this.#count > MOST_PICTURES) {
      const message = `A request may have ${MOST_PICTURES} pictures at most. Send them in several requests.`
      return refuse('too_many_pictures', message, param)
    }
    if (this.#pixels <= MOST_PIXELS_IN_ALL) return null
    const message = `The pictures of a request may have ${mega(MOST_PIXELS_IN_ALL)} together. Make them smaller.`
    return refuse('picture_too_large', message, param)
  }
}

/** The bound of one picture by its URL, alone in its request. */
export const pictureTokens = (
  url: string,
  detail: string | null,
  terms: MediaTerms,
  param: string,
): Result<number, Malformed> => new Pictures(terms).url(url, detail, param)

/** The bound of one picture as bare base64, alone in its request. */
export const base64PictureTokens = (
  data: string,
  terms: MediaTerms,
  param: string,
): Result<number, Malformed> => new Pictures(terms).base64(data, param)

const LONGEST_HEAD = 100
const DATA_URL = /^data:image\/[a-z0-9.+-]{1,40};base64,/i

/** OpenAI's words, and those that gateways pass on to Gemini. A new one might raise what a picture costs. */
const DETAILS: ReadonlySet<string> = new Set([
  ...['auto', 'low', 'medium', 'high', 'original', 'ultra_high'],
])

const mega = (pixels: number): string => `${pixels / 1_000_000} million pixels`

function tooLarge({ width, height }: Size, param: string): Malformed | null {
  const size = `The picture at ${param} has ${width} × ${height} pixels`
  if (width * height > MOST_PIXELS) {
    const message = `${size}. It may have ${mega(MOST_PIXELS)} at most. Make it smaller.`
    return refuse('picture_too_large', message, param)
  }
  if (Math.max(width, height) <= MOST_TIMES_AS_LONG * Math.min(width, height)) return null
  const message = `${size}. One side may be ${MOST_TIMES_AS_LONG} times the other at most.`
  return refuse('picture_too_large', message, param)
}

const AS_IN = 'Write it as in "data:image/png;base64,iVBORw0…".'

const notAPicture = (param: string): Malformed =>
  refuse(
    'unsupported_content',
    `${param} is no picture whose size can be read. PNG, JPEG, GIF, WebP and BMP can be sent. ${AS_IN}`,
    param,
  )

const notBase64 = (param: string): Malformed =>
  refuse(
    'invalid_value',
    `${param} is no base64: A to Z, a to z, 0 to 9, + and /, padded with =, without line ends.`,
    param,
  )

const noRemote = (param: string): Malformed =>
  refuse(
    'unsupported_content',
    `Pictures by URL are not fetched here. Send the picture itself at ${param}. ${AS_IN}`,
    param,
  )

const notPublic = (param: string): Malformed =>
  refuse(
    'invalid_value',
    `${param} must be an http or https URL with a public name as its host, without credentials and with the usual port. Or send the picture itself. ${AS_IN}`,
    param,
  )

const badDetail = (param: string): Malformed =>
  refuse('invalid_value', `The detail of ${param} must be auto, low or high.`, param)
