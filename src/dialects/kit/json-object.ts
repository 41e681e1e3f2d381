import { isAscii, isUtf8 } from 'node:buffer'
import { type Err, err, ok, type Result } from '../../floor/result.ts'
import { isObject, type JsonObject, parse } from './json.ts'
import { refusalOf, type Unreadable } from './json-refusal.ts'
import { type Member, type Purpose, scan } from './json-scan.ts'
import { asBuffer } from './sse.ts'

/** A JSON object that can be read in one way only, with the places of its outermost members. */
export interface Document {
  readonly body: Buffer
  readonly value: JsonObject
  readonly members: readonly Member[]
}

/**
 * Reads a JSON object. It accepts any bytes. It refuses what two parsers could read in two ways:
 * bytes that are not UTF-8, a byte order mark, the same key twice in one object (RFC 8259 section
 * 4; threats A11, I13), nesting past 128.
 * @param purpose what is counted and looked for on the way
 */
export function readObject(bytes: Uint8Array, purpose?: Purpose): Result<Document, Unreadable> {
  const body = asBuffer(bytes)
  const ascii = isAscii(body)
  if (!ascii && !isUtf8(body)) return invalid('The body is not UTF-8.')
  // The scan comes first because it bounds the parser: a million brackets take memory and time.
  const scanned = scan(body, purpose)
  const text = ascii ? body.toString('latin1') : body.toString('utf8')
  const value = scanned === null ? undefined : parse(text)
  if (scanned === null || value === undefined) return readSlowly(body, text, purpose)
  if (!isObject(value)) return invalid(NO_OBJECT)
  return ok({ body, value, members: scanned })
}

/** Where the scan saw something to refuse, or the parser did. */
function readSlowly(
  body: Buffer,
  text: string,
  purpose: Purpose | undefined,
): Result<Document, Unreadable> {
  const refusal = refusalOf(text)
  if (refusal !== null) return err(refusal)
  const value = parse(text)
  const members = value === undefined ? null : scan(body, purpose, true)
  if (value === undefined || members === null) return invalid('The body is not valid JSON.')
  return isObject(value) ? ok({ body, value, members }) : invalid(NO_OBJECT)
}

const NO_OBJECT = 'The body is not a JSON object: send {…}.'
const invalid = (message: string): Err<Unreadable> => err({ code: 'invalid_json', message })

const OPEN = Buffer.from('{')
const CLOSE = Buffer.from('}')
const COMMA = Buffer.from(',')

/**
 * The bytes without some members, and with others put at their end. Everything else stays as it
 * was, but for white space between the members.
 */
export function splice(
  { body, members }: Document,
  gone: ReadonlySet<string>,
  added: readonly string[],
): Buffer {
  const pieces: Uint8Array[] = [OPEN]
  let from = -1
  let to = -1
  const keep = (): void => {
    if (from === -1) return
    if (pieces.length > 1) pieces.push(COMMA)
    pieces.push(body.subarray(from, to))
  }
  for (const { key, start, end } of members) {
    if (gone.has(key)) continue
    // Neighbours with nothing but a comma between them are copied together.
    if (from === -1 || start !== to + 1) {
      keep()
      from = start
    }
    to = end
  }
  keep()
  if (added.length > 0) pieces.push(Buffer.from((from === -1 ? '' : ',') + added.join(',')))
  pieces.push(CLOSE)
  return Buffer.concat(pieces)
}

/** The places of the outermost members of an object's text in Latin-1, or null. */
export function membersOf(text: string): readonly Member[] | null {
  return scan(Buffer.from(text, 'latin1'))
}
