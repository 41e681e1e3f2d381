import { err, ok, type Result } from '../../floor/result.ts'
import {
  type Dialect,
  type Docs,
  type Malformed,
  type MediaTerms,
  UNKNOWN_TERMS,
} from '../dialect.ts'
import { modelRefused, refuse } from '../kit/checks.ts'
import { type Form, type FormFields, readFields } from '../kit/form.ts'
import type { JsonObject } from '../kit/json.ts'
import type { Part } from '../kit/multipart.ts'
import { sizeOf } from '../kit/picture-size.ts'
import { WholeMeter } from '../kit/whole-meter.ts'
import { readImages } from './answer.ts'
import { imagesAsked } from './asked.ts'
import { EDIT_DOCS, VARIATION_DOCS } from './docs.ts'
import { fieldsRefused, PASSED, REFUSED, writtenKind } from './fields.ts'
import { imagesWire } from './wire.ts'

/** The most pictures of one request (OpenAI API reference, "Create image edit"), and their pixels. */
const MOST_PICTURES = 16
const MOST_PIXELS = 4_096 * 4_096

interface Kept {
  readonly form: Form
  readonly request: JsonObject
}

/** What differs between the two APIs that take pictures. */
interface Api {
  readonly name: string
  readonly path: string
  readonly fields: FormFields
  readonly most: number
  readonly prompts: boolean
  readonly docs: Docs
}

/** `POST /v1/images/edits` (OpenAI API reference, "Create image edit"). A form with pictures. */
export const imageEdits: Dialect = withPictures({
  name: 'openai-image-edits',
  path: '/v1/images/edits',
  fields: { texts: PASSED, files: new Set(['image', 'image[]', 'mask']), refused: REFUSED },
  ...{ most: MOST_PICTURES, prompts: true, docs: EDIT_DOCS },
})

/** `POST /v1/images/variations` (OpenAI API reference, "Create image variation"). One picture. */
export const imageVariations: Dialect = withPictures({
  name: 'openai-image-variations',
  path: '/v1/images/variations',
  fields: { texts: PASSED, files: new Set(['image']), refused: REFUSED },
  ...{ most: 1, prompts: false, docs: VARIATION_DOCS },
})

function withPictures(api: Api): Dialect {
  return {
    name: api.name,
    path: api.path,
    headers: [],
    read(body, head, { also, media } = UNKNOWN_TERMS) {
      const read = readFields(body, head, { fields: api.fields, also })
      if (!read.ok) return read
      const form = read.value
      const request = form.texts
      const pictures = picturesOf(form, api)
      if (!pictures.ok) return pictures
      const refusal = modelRefused(request) ?? promptRefused(request, api) ?? fieldsRefused(request)
      if (refusal !== null) return err(refusal)
      return ok(
        imagesAsked(body, {
          ...{ dialect: api.name, request, ignored: form.ignored },
          pictures: tokensOf(pictures.value, media),
          splice: { form, request } satisfies Kept,
        }),
      )
    },
    rewrite({ image, splice }) {
      const { form, request } = splice as Kept
      return { ...form.written(writtenKind(request, image)), headers: {} }
    },
    respell: () => null,
    meter: (asked) => new WholeMeter(asked, (body) => readImages(body, asked)),
    wire: imagesWire,
    docs: api.docs,
  }
}

const promptRefused = ({ prompt }: JsonObject, { prompts }: Api): Malformed | null =>
  prompts && prompt === undefined
    ? refuse('missing_required_parameter', 'prompt is missing: say what to change.', 'prompt')
    : null

/** The pictures of a form, each of a known kind and of a bounded size (threats L19). */
function picturesOf(form: Form, { most }: Api): Result<readonly Part[], Malformed> {
  const images = form.files('image')
  if (images.length === 0)
    return err(refuse('missing_required_parameter', 'image is missing: send a file.', 'image'))
  if (images.length > most)
    return err(refuse('invalid_value', `At most ${most} files can be in image.`, 'image'))
  const all = [...images, ...form.files('mask')]
  for (const { bytes, name } of all) {
    const size = sizeOf(bytes)
    if (size === null)
      return err(refuse('invalid_image', `${name} is no picture in PNG, JPEG or WebP.`, name))
    if (size.width * size.height > MOST_PIXELS) {
      const message = `${name} has more than 4096 × 4096 pixels. Make it smaller.`
      return err(refuse('image_too_large', message, name))
    }
  }
  return ok(all)
}

const tokensOf = (pictures: readonly Part[], { imageTokens }: MediaTerms): number =>
  pictures.length * imageTokens
