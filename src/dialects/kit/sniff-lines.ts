const LF = 0x0a
/** A first line that is longer than this is not looked at to its end. */
const MOST_LINE = 1024 * 1024
const BLANK = new Set([0x20, 0x09, 0x0d, LF])

/** The media type of a stream of JSON objects, one on each line. */
export const NDJSON = 'application/x-ndjson'

/**
 * Whether an answer is a stream of lines in which the last one alone has `"done": true`, as Ollama writes
 * it. An answer in one piece is done in its first line, so it is told by its bytes and not by its label
 * (threats K18). Null while too few bytes have come.
 */
export function isLineStream(_: string | null, first: Uint8Array): boolean | null {
  const begin = first.findIndex((byte) => !BLANK.has(byte))
  if (begin === -1) return null
  const end = first.indexOf(LF, begin)
  const line = Buffer.from(first.subarray(begin, end === -1 ? undefined : end)).toString('latin1')
  if (!line.startsWith('{')) return false
  if (/"done"\s*:\s*false/.test(line)) return true
  if (/"done"\s*:\s*true/.test(line)) return false
  return end === -1 && line.length < MOST_LINE ? null : false
}
