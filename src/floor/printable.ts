/**
 * What text from outside may hold that does more on a terminal than stand there: controls (CSI, OSC 8,
 * BEL, CR, C1), characters that turn text around or have no width, lone surrogates. Threats H8, J22.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** Somebody's text as part of a line: what is unsafe is `?`, and it ends after so many characters. */
export function onLine(text: string, most = Number.POSITIVE_INFINITY): string {
  const plain = text.slice(0, Math.min(most * 2, text.length)).replace(UNSAFE, '?')
  return plain.length > most ? `${plain.slice(0, most - 1)}…` : plain
}

/** All texts in a value, each on one line: for what is printed to people out of JSON. */
export function onLines<T>(value: T): T
export function onLines(value: unknown): unknown {
  if (typeof value === 'string') return onLine(value)
  if (Array.isArray(value)) return value.map((one) => onLines(one))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [onLine(key), onLines(one)]))
}

/** Whole lines of output, our own layout and line ends in them. */
export const printable = (text: string): string =>
  text.replace(UNSAFE, (sign) => (sign === '\n' ? sign : '?'))

/** The ink of `cli/terminal.ts`, and no other escape sequence (ECMA-48 8.3.117, SGR). */
const INK = new RegExp(`${String.fromCharCode(27)}\\[(?:1|2|22|31|32|33|36|39)m`, 'g')

/**
 * The same for a terminal that shows colours: our own bold, faint and coloured text stays. Text from
 * outside has been through `onLine` before it stands beside it.
 */
export function printableInInk(text: string): string {
  const inks = text.match(INK) ?? []
  return text
    .split(INK)
    .map((part, at) => printable(part) + (inks[at] ?? ''))
    .join('')
}

/** JSON with the same value, in which everything unsafe is escaped. */
export const printableJson = (json: string): string =>
  json.replace(UNSAFE, (sign) => (sign === '\n' ? sign : escaped(sign)))

const escaped = (sign: string): string =>
  Array.from(
    { length: sign.length },
    (_, at) => `\\u${sign.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')
