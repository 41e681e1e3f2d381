import { type Json, parse } from './json.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** Numbers that are none in JSON: Python writes them, and reads them (J9). */
const NO_NUMBER = /-?(?:NaN|Infinity)/iy

/**
 * A JSON text as the most tolerant client reads it: `NaN`, `Infinity` and `-Infinity` are values, of
 * no use here, and so null. The last of two equal keys counts, as everywhere. Undefined where it
 * cannot be read.
 */
export function readJson(text: string): Json | undefined {
  const value = parse(text)
  if (value !== undefined || !/nan|infinity/i.test(text)) return value
  return parse(withoutNoNumbers(text))
}

/** Linear in the text. Strings stay as they are. */
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

/** Just behind the string that begins at `from`. */
function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const c = text.charCodeAt(at)
    if (c === BACKSLASH) at += 1
    else if (c === QUOTE) return at + 1
  }
  return text.length
}
