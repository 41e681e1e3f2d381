import { list, object, ref, type Schema, text, whole } from '../../floor/json-schema.ts'
import type { Docs } from '../dialect.ts'

/** What `/openapi.json` and `/llms.txt` say about the images API. */

const JSON_TYPE = 'application/json'
const FORM = 'multipart/form-data'
const FILE: Schema = { type: 'string', format: 'binary' }

const KIND: Readonly<Record<string, Schema>> = {
  n: { type: 'integer', minimum: 1, maximum: 10 },
  size: text('1024x1024; left out or auto: the dearest size that has a price.'),
  quality: text(),
  response_format: { enum: ['b64_json', 'url'] },
}

const ANSWER = object(['data'], {
  created: whole(),
  data: list(object([], { b64_json: text(), url: text() })),
})

const answer = { type: JSON_TYPE, schema: ANSWER, parts: {} }
const MODEL = { model: ref('ModelName'), prompt: text() }

export const GENERATION_DOCS: Docs = {
  name: 'Image',
  summary: 'Images from a text',
  request: {
    type: JSON_TYPE,
    schema: object(['model', 'prompt'], { ...MODEL, ...KIND }),
    parts: {},
  },
  answer,
  stream: null,
  example: () => null,
}

export const EDIT_DOCS: Docs = {
  name: 'ImageEdit',
  summary: 'Changes pictures',
  request: {
    type: FORM,
    schema: object(['model', 'prompt', 'image'], { ...MODEL, image: FILE, mask: FILE, ...KIND }),
    parts: {},
  },
  answer,
  stream: null,
  example: () => null,
}

export const VARIATION_DOCS: Docs = {
  name: 'ImageVariation',
  summary: 'Pictures that resemble a picture',
  request: {
    type: FORM,
    schema: object(['model', 'image'], { model: ref('ModelName'), image: FILE, ...KIND }),
    parts: {},
  },
  answer,
  stream: null,
  example: () => null,
}
