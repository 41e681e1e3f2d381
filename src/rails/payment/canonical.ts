/**
 * JSON in its canonical form (RFC 8785): without white space, members in the order of their UTF-16 code
 * units, numbers and texts as ECMAScript writes them. `value` is what `JSON.parse` returns.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}

/** A text in base64url without padding (RFC 4648, section 5). */
export const writeBase64url = (text: string): string => Buffer.from(text).toString('base64url')

/**
 * Reads base64url, with padding or without. Null for anything else, also for bits behind the last
 * byte that are not zero: otherwise one payload would have several spellings.
 */
export function readBase64url(text: string): Buffer | null {
  if (!/^[A-Za-z0-9_-]*={0,2}$/.test(text)) return null
  const padding = text.length - text.replace(/={1,2}$/, '').length
  if (padding > 0 && text.length % 4 !== 0) return null
  const bare = text.slice(0, text.length - padding)
  const bytes = Buffer.from(bare, 'base64url')
  return bytes.toString('base64url') === bare ? bytes : null
}

/** The JSON object in such a text. Null if there is none. */
export function readJsonObject(text: string): Readonly<Record<string, unknown>> | null {
  const bytes = readBase64url(text)
  if (bytes === null) return null
  try {
    return objectOf(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch {
    return null
  }
}

/** The value, if it is a JSON object. */
export const objectOf = (value: unknown): Readonly<Record<string, unknown>> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null
