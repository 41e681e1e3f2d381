import { type Json, parse } from './json.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** Python writes and reads these numbers, although JSON does not have them (J9). */
const NO_NUMBER = /-?(?:NaN|Infinity)/iy

/**
 * Reads a JSON text as the most tolerant client does. `NaN`, `Infinity` and `-Infinity` become
 * null, because nothing here uses them. Of two equal keys the last one counts, as in every parser.
 * Undefined if the text cannot be read.
 */
export function readJson(text: string): Json | undefined {
  const value = parse(text)
  if (value !== undefined || !/nan|infinity/i.test(text)) return value
  return parse(withoutNoNumbers(text))
}

/** Takes time in proportion to the text. Strings stay as they are. */
function withoutNoNumbers(text: string): string {
  const pieces: string[] = []
  let from = 0
  for (let at = 0; at < text.length; ) {
    if (text.charCodeAt(at) === QUOTE) {
      at = stringEnd(text, at)
      continue
    }
    NO_NUMBER.lastIndex = at
    const found = NO_NUMBER.exec(text)
    if (found === null) {
      at += 1
      continue
    }
    pieces.push(text.slice(from, at), 'null')
    at = NO_NUMBER.lastIndex
    from = at
  }
  return pieces.join('') + text.slice(from)
}

/** The place just after the string that begins at `from`. */
function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const c = text.charCodeAt(at)
    if (c === BACKSLASH) at += 1
    else if (c === QUOTE) return at + 1
  }
  return text.length
}
