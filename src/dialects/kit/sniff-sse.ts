/** Fields with which an event stream begins (WHATWG HTML, 9.2.6). An empty name is a comment. */
const FIELDS = ['data:', 'event:', ':', 'id:', 'retry:']
const BOM = '\u00ef\u00bb\u00bf'
/** After more white space than this, nobody can tell what a body is. */
const MOST_BLANK = 4_096

/** The media type of server-sent events. */
export const EVENT_STREAM = 'text/event-stream'

/**
 * Whether an answer is a stream of server-sent events. Backends label events and JSON in any way,
 * or not at all, so the first bytes decide. If they look like neither, the label decides (threats
 * K18). Null while too few bytes have come.
 */
export function isEventStream(contentType: string | null, first: Uint8Array): boolean | null {
  const beginning = beginningOf(first)
  if (beginning === null) return null
  if (beginning === 'json') return false
  return beginning === 'events' || (contentType !== null && isLabelledEvents(contentType))
}

export const isLabelledEvents = (contentType: string): boolean =>
  contentType.toLowerCase().startsWith(EVENT_STREAM)

function beginningOf(bytes: Uint8Array): 'events' | 'json' | 'other' | null {
  const start = Buffer.from(bytes.subarray(0, MOST_BLANK + 16)).toString('latin1')
  if (start !== BOM && BOM.startsWith(start)) return null
  const text = start.replace(BOM, '').trimStart()
  if (text === '') return bytes.length > MOST_BLANK ? 'other' : null
  if (text.startsWith('{') || text.startsWith('[')) return 'json'
  if (FIELDS.some((field) => text.startsWith(field))) return 'events'
  return FIELDS.some((field) => field.startsWith(text)) ? null : 'other'
}
