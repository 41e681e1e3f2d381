/** What the first bytes of a body are. */
export type Beginning = 'events' | 'json' | 'other'

/** Fields with which an event stream begins (WHATWG HTML, 9.2.6). An empty name is a comment. */
const FIELDS = ['data:', 'event:', ':', 'id:', 'retry:']
const BOM = '\u00ef\u00bb\u00bf'
/** More white space than this in front of a body says nothing any more. */
const MOST_BLANK = 4_096

/**
 * Tells an event stream from JSON by its first bytes: backends label both in any way, or not at all
 * (K18). Null while too few bytes have come.
 */
export function beginningOf(bytes: Uint8Array): Beginning | null {
  const start = Buffer.from(bytes.subarray(0, MOST_BLANK + 16)).toString('latin1')
  if (start !== BOM && BOM.startsWith(start)) return null
  const text = start.replace(BOM, '').trimStart()
  if (text === '') return bytes.length > MOST_BLANK ? 'other' : null
  if (text.startsWith('{') || text.startsWith('[')) return 'json'
  if (FIELDS.some((field) => text.startsWith(field))) return 'events'
  return FIELDS.some((field) => field.startsWith(text)) ? null : 'other'
}
