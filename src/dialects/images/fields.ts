import { IMAGE_QUALITY, IMAGE_SIZE, type ImageKind } from '../../money/image-prices.ts'
import type { Malformed } from '../dialect.ts'
import { refuse } from '../kit/checks.ts'
import type { JsonObject } from '../kit/json.ts'

/** The most images of one request, and characters of its prompt (OpenAI API reference, "Images"). */
const MOST_IMAGES = 10
const MOST_PROMPT = 32_000

/** Fields that choose what kind of image is made. Each is a word. */
const WORDS = [
  ...['size', 'quality', 'style', 'background', 'moderation', 'output_format', 'response_format'],
  ...['input_fidelity'],
] as const

/** The fields of a request that pass (threats J16). */
export const PASSED: ReadonlySet<string> = new Set([
  ...['model', 'prompt', 'n', 'user', 'output_compression'],
  ...WORDS,
])

const NO_STREAM = 'Images are delivered in one piece here: leave stream and partial_images out.'
const NO_STATE = 'Files and URLs that the model server keeps or fetches are not taken here.'

/** Fields that are refused by name: streams, and files that the backend keeps or fetches (L18). */
export const REFUSED: Readonly<Record<string, string>> = {
  ...{ stream: NO_STREAM, partial_images: NO_STREAM },
  ...{ file_id: NO_STATE, image_url: NO_STATE, images: NO_STATE },
}

const WORD = /^[\w.-]{1,32}$/

/**
 * Why the fields that both bodies have are refused, or null. In a form every value is a text, so a number
 * may be one.
 */
export function fieldsRefused(request: JsonObject): Malformed | null {
  const { n, prompt, user, output_compression: compression } = request
  if (typeof prompt === 'string' && prompt.length > MOST_PROMPT)
    return refuse('invalid_value', `prompt has at most ${MOST_PROMPT} characters.`, 'prompt')
  if (n !== undefined && n !== null && countOf(n, 1, MOST_IMAGES) === null)
    return refuse('invalid_value', `n must be a whole number from 1 to ${MOST_IMAGES}.`, 'n')
  if (compression !== undefined && compression !== null && countOf(compression, 0, 100) === null) {
    const message = 'output_compression must be a whole number from 0 to 100.'
    return refuse('invalid_value', message, 'output_compression')
  }
  if (user !== undefined && user !== null && (typeof user !== 'string' || user.length > 256))
    return refuse('invalid_type', 'user must be a string of at most 256 characters.', 'user')
  for (const name of WORDS) {
    const value = request[name]
    if (value === undefined || value === null) continue
    if (typeof value !== 'string' || !WORD.test(value))
      return refuse('invalid_type', `${name} must be one word, or left out.`, name)
  }
  return kindRefused(request)
}

function kindRefused({ quality, size }: JsonObject): Malformed | null {
  if (typeof size === 'string' && size !== 'auto' && !IMAGE_SIZE.test(size)) {
    const message = 'size must be width x height in pixels, such as 1024x1024, or auto.'
    return refuse('invalid_value', message, 'size')
  }
  if (typeof quality === 'string' && !IMAGE_QUALITY.test(quality))
    return refuse('invalid_value', 'quality must be a word in small letters.', 'quality')
  return null
}

/** A count that is written as a number, or as the text of one in a form. Null if it is none. */
function countOf(value: unknown, least: number, most: number): number | null {
  const count = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : value
  return Number.isInteger(count) && Number(count) >= least && Number(count) <= most
    ? Number(count)
    : null
}

/** How many images are asked for. */
export const imagesOf = ({ n }: JsonObject): number => countOf(n, 1, MOST_IMAGES) ?? 1

const named = (value: unknown): string | null =>
  typeof value === 'string' && value !== 'auto' ? value : null

/** The size and quality that a request names. `auto` names none. */
export const kindOf = ({ quality, size }: JsonObject): ImageKind => ({
  size: named(size),
  quality: named(quality),
})

/**
 * The fields that the gate writes instead of the client's: the size and quality that are charged, where
 * the client left them open (threats I13, L19).
 */
export function writtenKind(request: JsonObject, kind: ImageKind | undefined): ImageWords {
  const asked = kindOf(request)
  return {
    ...(kind?.size && asked.size === null ? { size: kind.size } : {}),
    ...(kind?.quality && asked.quality === null ? { quality: kind.quality } : {}),
  }
}

export type ImageWords = Readonly<Record<string, string>>
