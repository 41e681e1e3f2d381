import { membersOf } from './json-object.ts'
import { readJson } from './tolerant-json.ts'

/** A range of bytes of an event that is left out for the client. */
export interface Span {
  readonly from: number
  readonly to: number
}

/**
 * The bytes of one outermost member of an event's data, with the comma beside it. Null if they
 * cannot be found. It works on Latin-1, in which an offset into the text is an offset in bytes.
 */
export function memberSpan(event: Buffer, key: string): Span | null {
  const lines = dataLines(event.toString('latin1'))
  const data = lines.map(({ text }) => text).join('\n')
  if (readJson(data) === undefined) return null
  const members = membersOf(data) ?? []
  const place = members.findIndex((member) => member.key === key)
  const member = members[place]
  if (member === undefined) return null
  const before = members[place - 1]
  const behind = members[place + 1]
  if (before !== undefined) return { from: at(lines, before.end), to: at(lines, member.end) }
  return { from: at(lines, member.start), to: at(lines, behind?.start ?? member.end) }
}

interface Line {
  readonly text: string
  /** The offset in the event at which it begins. */
  readonly start: number
}

function dataLines(event: string): Line[] {
  const lines: Line[] = []
  for (const match of event.matchAll(/(^|\n|\r)(?:\xEF\xBB\xBF)?data: ?([^\r\n]*)/g)) {
    const text = match[2] ?? ''
    lines.push({ text, start: match.index + match[0].length - text.length })
  }
  return lines
}

/** Turns an offset into the joined data into an offset into the event. */
function at(lines: readonly Line[], offset: number): number {
  let left = offset
  for (const { text, start } of lines) {
    if (left <= text.length) return start + left
    left -= text.length + 1
  }
  return 0
}
