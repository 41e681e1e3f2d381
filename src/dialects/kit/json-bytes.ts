/** Places in the bytes of a JSON text. */

const SPACE = 0x20
const QUOTE = 0x22
const PLUS = 0x2b
const MINUS = 0x2d
const COLON = 0x3a
const BACKSLASH = 0x5c

/** So many bytes of a string are looked at one by one before its end is searched. */
const NEAR = 32

/** `.`, `e`, `E`, `+`, `-`. */
export const isOfNumber = (c: number): boolean =>
  c === 0x2e || c === 0x65 || c === 0x45 || c === PLUS || c === MINUS

/** Just behind the closing quote of the string that is open at `from`. */
export function stringEnd(bytes: Buffer, from: number): number {
  const size = bytes.length
  for (let at = from; ; ) {
    const near = Math.min(size, at + NEAR)
    while (at < near) {
      const c = bytes[at]
      if (c === QUOTE) return at + 1
      at += c === BACKSLASH ? 2 : 1
    }
    const quote = at < size ? bytes.indexOf(QUOTE, at) : -1
    if (quote === -1) return size
    let slash = quote
    while (slash > at && bytes[slash - 1] === BACKSLASH) slash -= 1
    if ((quote - slash) % 2 === 0) return quote + 1
    at = quote + 1
  }
}

/** A key without its quotes and escapes. One that is no JSON string stays as it is. */
export function nameOf(bytes: Buffer, from: number, to: number): string {
  const raw = bytes.toString('utf8', from + 1, to - 1)
  if (!raw.includes('\\')) return raw
  try {
    return String(JSON.parse(`"${raw}"`))
  } catch {
    return raw
  }
}

/** Where the value begins, behind the colon and white space. */
export function valueAfter(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length) {
    const c = bytes[at] as number
    if (c > SPACE && c !== COLON) break
    at += 1
  }
  return at
}

/** Where a value ends whose comma or bracket stands at `to`. */
export function endBefore(bytes: Buffer, to: number, value: number): number {
  let end = to
  while (end > value && (bytes[end - 1] as number) <= SPACE) end -= 1
  return end
}
