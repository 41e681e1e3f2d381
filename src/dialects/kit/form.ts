import { isUtf8 } from 'node:buffer'
import { err, ok, type Result } from '../../floor/result.ts'
import type { Malformed, RequestHead } from '../dialect.ts'
import { ambiguous, refuse } from './checks.ts'
import { fold, type JsonObject, quoted } from './json.ts'
import { boundaryFor, type Part, readForm, writeForm } from './multipart.ts'
import { NEVER_PASSED } from './never-passed.ts'
import { named } from './sift.ts'

/** The fields of a form that an API reads. Names that end with `[]` may stand several times. */
export interface FormFields {
  readonly texts: ReadonlySet<string>
  readonly files: ReadonlySet<string>
  /** Fields that are refused by name: `null` if this API has none. */
  readonly refused: Readonly<Record<string, string>>
}

/** A form with the fields that pass, and nothing else. */
export class Form {
  readonly #parts: readonly Part[]
  /** One for all spellings of a request, because it stands in a header too. */
  #boundary: string | null = null
  /** The names of what was left out, for a header. */
  readonly ignored: readonly string[]

  constructor(parts: readonly Part[], ignored: readonly string[]) {
    this.#parts = parts
    this.ignored = ignored
  }

  /** The value of a text field. Undefined if the client sent none, or an empty one. */
  text(name: string): string | undefined {
    const found = this.#parts.find((part) => part.name === name && part.filename === null)
    return found === undefined || found.bytes.length === 0
      ? undefined
      : found.bytes.toString('utf8')
  }

  /** The files of a field, under both of its names: `image` and `image[]`. */
  files(name: string): readonly Part[] {
    return this.#parts.filter(
      (part) => part.filename !== null && (part.name === name || part.name === `${name}[]`),
    )
  }

  /** All text fields, for the checks that JSON bodies have too. Lists are left out. */
  get texts(): JsonObject {
    const texts: JsonObject = Object.create(null)
    for (const { bytes, filename, name } of this.#parts) {
      if (filename === null && !isList(name) && bytes.length > 0)
        texts[name] = bytes.toString('utf8')
    }
    return texts
  }

  /** The form for the backend, with these text fields instead of the client's. */
  written(changed: Readonly<Record<string, string>>): ReturnType<typeof writeForm> {
    const kept = this.#parts.filter(({ name }) => !Object.hasOwn(changed, name))
    const added = Object.entries(changed).map(([name, value]) => {
      return { name, filename: null, type: null, bytes: Buffer.from(value) }
    })
    this.#boundary ??= boundaryFor(this.#parts)
    return writeForm([...kept, ...added], this.#boundary)
  }
}

const isList = (name: string): boolean => name.endsWith('[]')

/**
 * Reads the fields of a form. A field that the API does not know is left out and named, like the members
 * of a JSON body; a file in such a field is refused. So are a field that stands twice, and a name that
 * a forgiving parser takes for another (threats A2, A11, I13).
 */
export function readFields(
  body: Uint8Array,
  { contentType }: RequestHead,
  { fields, also }: { readonly fields: FormFields; readonly also: ReadonlySet<string> },
): Result<Form, Malformed> {
  const read = readForm(body, contentType)
  if (!read.ok) return read
  const kept: Part[] = []
  const ignored: string[] = []
  const seen = new Set<string>()
  for (const part of read.value) {
    const refusal = refusalOf(part, fields, seen)
    if (refusal !== null) return err(refusal)
    seen.add(part.name)
    const known = fields.texts.has(part.name) || fields.files.has(part.name)
    if (known || (also.has(part.name) && !NEVER_PASSED.has(part.name))) kept.push(part)
    else ignored.push(part.name)
  }
  return ok(new Form(kept, named(ignored)))
}

function refusalOf(
  { bytes, filename, name }: Part,
  { files, refused, texts }: FormFields,
  seen: ReadonlySet<string>,
): Malformed | null {
  const other = isList(name) ? name.slice(0, -2) : `${name}[]`
  if (Object.hasOwn(refused, name) && bytes.toString('latin1', 0, 8) !== 'false')
    return refuse('unsupported_parameter', refused[name] ?? '', name)
  if ((seen.has(name) && !isList(name)) || seen.has(other))
    return refuse('duplicate_key', `The field ${quoted(name)} stands twice. Send it once.`, name)
  const folded = fold(name)
  if (folded !== name && (texts.has(folded) || files.has(folded))) return ambiguous(name, folded)
  const isFile = filename !== null
  if (isFile && !files.has(name))
    return refuse('unexpected_file', `The field ${quoted(name)} takes no file.`, name)
  if (isFile) return bytes.length === 0 ? refuse('empty_file', 'The file is empty.', name) : null
  if (files.has(name))
    return refuse('file_required', `${name} must be a file: send it with a filename.`, name)
  if (!isUtf8(bytes) || bytes.includes(0))
    return refuse('invalid_value', `The field ${quoted(name)} is not UTF-8 text.`, name)
  return null
}
