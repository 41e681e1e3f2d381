import { err, ok } from '../../floor/result.ts'
import { type Dialect, UNKNOWN_TERMS } from '../dialect.ts'
import { ambiguous, modelRefused, notBoolean, refuse } from '../kit/checks.ts'
import { fold, folded, type JsonObject } from '../kit/json.ts'
import { type Document, readObject, splice } from '../kit/json-object.ts'
import { NEVER_PASSED } from '../kit/never-passed.ts'
import { type Sifted, sift } from '../kit/sift.ts'
import { WholeMeter } from '../kit/whole-meter.ts'
import { readImages } from './answer.ts'
import { imagesAsked } from './asked.ts'
import { GENERATION_DOCS } from './docs.ts'
import { fieldsRefused, PASSED, REFUSED, writtenKind } from './fields.ts'
import { imagesWire, JSON_TYPE } from './wire.ts'

const PASSING = { passed: PASSED, switches: new Set<string>() }
const KNOWN: ReadonlySet<string> = new Set([...PASSED, ...NEVER_PASSED, ...Object.keys(REFUSED)])

interface Kept {
  readonly document: Document
  readonly sifted: Sifted
}

/** `POST /v1/images/generations` (OpenAI API reference, "Create image"). Never a stream. */
export const imageGenerations: Dialect = {
  name: 'openai-images',
  path: '/v1/images/generations',
  headers: [],
  read(body, _, { also } = UNKNOWN_TERMS) {
    const read = readObject(body)
    if (!read.ok) return err(refuse(read.error.code, read.error.message))
    const document = read.value
    const { value } = document
    const refusal = requestRefused(value)
    if (refusal !== null) return err(refusal)
    const sifted = sift(PASSING, value, also)
    return ok(
      imagesAsked(body, {
        ...{ dialect: 'openai-images', request: value, pictures: 0, ignored: sifted.ignored },
        splice: { document, sifted } satisfies Kept,
      }),
    )
  },
  rewrite({ image, splice: kept }) {
    const { document, sifted } = kept as Kept
    const written = Object.entries(writtenKind(document.value, image))
    const gone = new Set([...(sifted.gone ?? []), ...written.map(([name]) => name)])
    const added = written.map(([name, value]) => `"${name}":${JSON.stringify(value)}`)
    return { body: splice(document, gone, added), contentType: JSON_TYPE, headers: {} }
  },
  respell: () => null,
  meter: (asked) => new WholeMeter(asked, (body) => readImages(body, asked)),
  wire: imagesWire,
  docs: GENERATION_DOCS,
}

function requestRefused(request: JsonObject) {
  const key = folded(request, KNOWN)
  if (key !== null) return ambiguous(key, fold(key))
  for (const name of Object.keys(REFUSED)) {
    const value = request[name]
    if (value !== undefined && value !== null && value !== false)
      return refuse('unsupported_parameter', REFUSED[name] ?? '', name)
  }
  const refusal = modelRefused(request) ?? notBoolean(request.stream, 'stream')
  if (refusal !== null) return refusal
  if (typeof request.prompt !== 'string' || request.prompt === '')
    return refuse('missing_required_parameter', 'prompt is missing: say what to draw.', 'prompt')
  return fieldsRefused(request)
}
