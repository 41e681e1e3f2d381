/**
 * Characters that do something to a terminal instead of being shown: control characters (CSI, OSC
 * 8, BEL, CR, C1), characters that reverse the direction of text or have no width, and single
 * surrogates (threats H8, J22).
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/**
 * Text of these characters alone has no unsafe one. Nearly every line is such a text, and this is
 * seen several times faster than that there is no unsafe character.
 */
const PLAIN = /^[ -~]*$/
const PLAIN_LINES = /^[\n -~]*$/

/**
 * Makes somebody's text safe inside a line: each unsafe character becomes `?`, and at most `most`
 * characters are kept.
 */
export function onLine(text: string, most = Number.POSITIVE_INFINITY): string {
  const start = text.slice(0, Math.min(most * 2, text.length))
  const plain = PLAIN.test(start) ? start : start.replace(UNSAFE, '?')
  return plain.length > most ? `${plain.slice(0, most - 1)}…` : plain
}

/** Applies `onLine` to every text in a value. For data from JSON that is printed for people. */
export function onLines<T>(value: T): T
export function onLines(value: unknown): unknown {
  if (typeof value === 'string') return onLine(value)
  if (Array.isArray(value)) return value.map((one) => onLines(one))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [onLine(key), onLines(one)]))
}

/** Makes whole lines of output safe, and keeps their line ends and tabs. */
export const printable = (text: string): string =>
  PLAIN_LINES.test(text) ? text : text.replace(UNSAFE, (sign) => (sign === '\n' ? sign : '?'))

/** The colours that our own commands use, and no other escape sequence (ECMA-48 8.3.117, SGR). */
const INK = new RegExp(`${String.fromCharCode(27)}\\[(?:1|2|22|31|32|33|36|39)m`, 'g')

/**
 * Does the same for a terminal that shows colours: it keeps our own bold, faint and coloured text.
 * Text from outside must have gone through `onLine` before, so that it cannot contain colours.
 */
export function printableInInk(text: string): string {
  const inks = text.match(INK) ?? []
  return text
    .split(INK)
    .map((part, at) => printable(part) + (inks[at] ?? ''))
    .join('')
}

/** Escapes every unsafe character of a JSON text. Its value stays the same. */
export const printableJson = (json: string): string =>
  PLAIN_LINES.test(json)
    ? json
    : json.replace(UNSAFE, (sign) => (sign === '\n' ? sign : escaped(sign)))

const escaped = (sign: string): string =>
  Array.from(
    { length: sign.length },
    (_, at) => `\\u${sign.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')
