import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { err, ok, type Result } from '../../floor/result.ts'
import type { Malformed } from '../dialect.ts'
import { refuse } from './checks.ts'
import { type Field, fieldOf } from './multipart-header.ts'
import { asBuffer } from './sse.ts'

/** One field of a form (RFC 7578 4). */
export interface Part extends Field {
  readonly bytes: Buffer
}

/** No API that is served has more fields. */
const MOST_PARTS = 64
/** Bytes of all headers of one part. */
const MOST_HEADERS = 2_048

const FORM = 'multipart/form-data'
/** A boundary: 1 to 70 of these characters (RFC 2046 5.1.1), without the space. */
const BOUNDARY = /^[0-9A-Za-z'()+_,./:=?-]{1,70}$/
/** The header of a form. Nothing but the boundary and the usual charset may stand in it. */
const HEADER =
  /^multipart\/form-data[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?;[ \t]*boundary=(?:"([^"\\]*)"|([^\s;"]+))[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?$/i

/**
 * Reads a form. It accepts any bytes and takes time in proportion to them. It refuses what two parsers
 * could read in two ways: lines that end with LF alone, text before the first boundary or behind the
 * last one, a missing end, encodings and forms within forms (threats I13, J1). 415 if the body is no
 * form.
 */
export function readForm(
  body: Uint8Array,
  contentType: string | null,
): Result<readonly Part[], Malformed> {
  const boundary = boundaryOf(contentType)
  if (!boundary.ok) return boundary
  const bytes = asBuffer(body)
  const first = Buffer.from(`--${boundary.value}\r\n`)
  if (!bytes.subarray(0, first.length).equals(first))
    return no('The body does not begin with the boundary that its header names.')
  const delimiter = Buffer.from(`\r\n--${boundary.value}`)
  const parts: Part[] = []
  for (let from = first.length; ; ) {
    if (parts.length === MOST_PARTS) return no(`The form has more than ${MOST_PARTS} fields.`)
    const head = headEnd(bytes, from)
    if (head === -1) return no('The headers of a field are too long, or have no end.')
    const to = bytes.indexOf(delimiter, head)
    if (to === -1) return no('The form has no end: its last boundary is missing.')
    const part = partOf(bytes.subarray(from, head), bytes.subarray(head, to))
    if (!part.ok) return part
    parts.push(part.value)
    const next = to + delimiter.length
    const behind = bytes.toString('latin1', next, next + 2)
    if (behind === '--') return ends(bytes, next + 2) ? ok(parts) : no(BEHIND)
    if (behind !== '\r\n') return no('A line of the body begins with the boundary and goes on.')
    from = next + 2
  }
}

const BEHIND = 'Something stands behind the end of the form.'

/** Whether the body ends here. Most clients write one more line end. */
const ends = (bytes: Buffer, at: number): boolean => {
  const rest = bytes.length - at
  return rest === 0 || (rest === 2 && bytes.toString('latin1', at) === '\r\n')
}

function boundaryOf(contentType: string | null): Result<string, Malformed> {
  if (contentType === null || !contentType.toLowerCase().startsWith(FORM)) {
    const message = `Send the fields as a form: Content-Type: ${FORM} with its boundary.`
    return err({ status: 415, code: 'unsupported_media_type', message, param: null })
  }
  const found = HEADER.exec(contentType)
  const boundary = found?.[1] ?? found?.[2] ?? ''
  if (BOUNDARY.test(boundary)) return ok(boundary)
  return no('The boundary of the form in Content-Type is missing, or has other characters.')
}

/** Just behind the empty line that ends the headers of a part; -1 if there is none near. */
function headEnd(bytes: Buffer, from: number): number {
  const at = bytes.subarray(from, from + MOST_HEADERS).indexOf('\r\n\r\n')
  return at === -1 ? -1 : from + at + 4
}

function partOf(head: Buffer, bytes: Buffer): Result<Part, Malformed> {
  if (!isUtf8(head)) return no('The headers of a field are not UTF-8.')
  const field = fieldOf(head.toString('utf8').slice(0, -4), bytes.length)
  return field.ok ? ok({ ...field.value, bytes }) : no(field.error)
}

const no = (message: string): { readonly ok: false; readonly error: Malformed } =>
  err(refuse('invalid_form', message))

/** A boundary made of a hash of these parts: nobody can write a file that contains it. */
export function boundaryFor(parts: readonly Part[]): string {
  const hash = createHash('sha256')
  for (const { bytes, name } of parts) hash.update(`${name}:${bytes.length}:`).update(bytes)
  return `satgate-${hash.digest('hex').slice(0, 40)}`
}

/** Writes a form of these parts alone, so the backend reads exactly what was priced (threats I13). */
export function writeForm(
  parts: readonly Part[],
  boundary: string,
): { readonly body: Buffer; readonly contentType: string } {
  const pieces: Uint8Array[] = []
  for (const { bytes, filename, name, type } of parts) {
    const file = filename === null ? '' : `; filename="${filename}"`
    const typed = filename === null ? '' : `\r\nContent-Type: ${type ?? OCTETS}`
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}${typed}\r\n\r\n`
    pieces.push(Buffer.from(head), bytes, CRLF)
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`))
  return { body: Buffer.concat(pieces), contentType: `${FORM}; boundary=${boundary}` }
}

const OCTETS = 'application/octet-stream'
const CRLF = Buffer.from('\r\n')
