import { err, ok, type Result } from '../../floor/result.ts'

/** What the headers of one field of a form say (RFC 7578 4). */
export interface Field {
  readonly name: string
  /** Null if it is no file. Else a base name of safe characters. */
  readonly filename: string | null
  /** The media type without parameters, as the client wrote it. Null if it wrote none. */
  readonly type: string | null
}

const DISPOSITION =
  /^form-data[ \t]*;[ \t]*name="([^"]*)"(?:[ \t]*;[ \t]*filename="([^"]*)")?[ \t]*;?[ \t]*$/i
/** Names of fields of every API: `timestamp_granularities[]`. */
const NAME = /^[\w.-]{1,64}(?:\[\])?$/
/** A media type. Its parameters are left out. */
const TYPE = /^([\w!#$&^.+-]{1,64}\/[\w!#$&^.+-]{1,64})[ \t]*(?:;.*)?$/
/** Transfer encodings that change nothing (RFC 2045 6.2). */
const PLAIN = new Set(['7bit', '8bit', 'binary'])
const CONTROL = /\p{Cc}/u

/**
 * Reads the headers of one part. Each may stand once, and others are refused: what the gate does not read,
 * a backend could. `length`: bytes of its content. The error is a sentence for the client.
 */
export function fieldOf(head: string, length: number): Result<Field, string> {
  const headers = new Map<string, string>()
  for (const line of head.split('\r\n')) {
    if (CONTROL.test(line.replaceAll('\t', ' ')))
      return err('A header of a field has a control character.')
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).toLowerCase()
    if (!KNOWN.has(name)) return err('A field has a header that no form has.')
    if (headers.has(name)) return err(`A field has two headers ${name}.`)
    headers.set(name, line.slice(colon + 1).trim())
  }
  const encoding = headers.get('content-transfer-encoding')
  if (encoding !== undefined && !PLAIN.has(encoding.toLowerCase()))
    return err('A field has a transfer encoding. Send its bytes as they are.')
  const said = headers.get('content-length')
  if (said !== undefined && said !== `${length}`)
    return err('A field has another length than its header says.')
  const type = typeOf(headers.get('content-type'))
  if (!type.ok) return type
  const named = nameOf(headers.get('content-disposition') ?? '')
  return named.ok ? ok({ ...named.value, type: type.value }) : named
}

const KNOWN: ReadonlySet<string> = new Set([
  ...['content-disposition', 'content-type', 'content-transfer-encoding', 'content-length'],
])

function typeOf(header: string | undefined): Result<string | null, string> {
  if (header === undefined) return ok(null)
  const type = TYPE.exec(header)?.[1]
  if (type === undefined) return err('The content type of a field cannot be read.')
  if (/^(?:multipart|message)\//i.test(type))
    return err('A field of a form cannot be a form itself.')
  return ok(type)
}

function nameOf(disposition: string): Result<Omit<Field, 'type'>, string> {
  const found = DISPOSITION.exec(disposition)
  const name = found?.[1]
  if (name === undefined || !NAME.test(name))
    return err(
      'The name of a field cannot be read. Write Content-Disposition: form-data; name="…".',
    )
  const filename = found?.[2]
  if (filename === undefined) return ok({ name, filename: null })
  if (/[/\\]|%2f|%5c/i.test(filename))
    return err('The name of a file has a path. Send its last part alone.')
  return ok({ name, filename: safe(filename) })
}

const MOST_NAME = 100

/** A file name that means the same everywhere. Its end is kept, because backends go by it. */
function safe(filename: string): string {
  const plain = filename.replace(/[^A-Za-z0-9._-]/g, '_').replace(/\.{2,}/g, '.')
  return plain.slice(-MOST_NAME).replace(/^[.-]+/, '') || 'file'
}
