import { styleText } from 'node:util'
import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'
import type { Out } from '../daemon/host.ts'
import { onLine } from '../floor/printable.ts'

/** Weight and colour of text. Without colours each function returns its text unchanged. */
export interface Ink {
  readonly bold: (text: string) => string
  readonly faint: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
  readonly cyan: (text: string) => string
}

/** The inks of an output. They are of the terminal's own palette, so they suit its background. */
export function inkOf({ colour }: Pick<Out, 'colour'>): Ink {
  const ink = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    colour && text !== '' ? styleText(format, text, { validateStream: false }) : text
  return {
    bold: ink('bold'),
    faint: ink('dim'),
    red: ink('red'),
    green: ink('green'),
    yellow: ink('yellow'),
    cyan: ink('cyan'),
  }
}

/** Columns to which text is wrapped. Null if there is no terminal: then it is not wrapped. */
export function widthOf(out: Pick<Out, 'columns'>): number | null {
  const columns = out.columns()
  return columns === null ? null : Math.max(NARROWEST, columns)
}

const NARROWEST = 40

/**
 * Puts `head` and `text` on lines of at most `width` columns. Further lines begin under the text. A
 * word that is longer than a line stays whole, so that addresses and commands can be copied. If
 * `width` is null, the result is one line.
 */
export function hang(head: string, text: string, width: number | null): string {
  if (width === null) return `${head}${text}`
  const hanging = columnsOf(head)
  const lines = wrapAnsi(text, Math.max(LEAST_TEXT, width - hanging), { hard: false }).split('\n')
  return `${head}${lines.join(`\n${' '.repeat(hanging)}`)}`
}

/** The least number of columns for a text, even if its head is long. */
export const LEAST_TEXT = 19

/** Columns of a name that somebody else chose, of a model for example. */
export const LONGEST_NAME = 32

/** Cuts such a name to so many columns. A Chinese character takes two columns. */
export function cutName(name: string, most: number): string {
  const plain = onLine(name, LONGEST_INPUT)
  if (columnsOf(plain) <= most) return plain
  let [kept, used] = ['', 0]
  for (const { segment } of GRAPHEMES.segment(plain)) {
    used += columnsOf(segment)
    if (used > most - 1) break
    kept += segment
  }
  return `${kept}…`
}

const LONGEST_INPUT = 300
/** Splits text into what people see as one character, which may be several code points. */
const GRAPHEMES = new Intl.Segmenter()

/** Filled with spaces up to so many columns. */
export function fill(text: string, columns: number, right = false): string {
  const spaces = ' '.repeat(Math.max(0, columns - columnsOf(text)))
  return right ? `${spaces}${text}` : `${text}${spaces}`
}

/** Like `hang`, with fields that are two spaces apart. Lines break only between fields. */
export function hangFields(head: string, fields: readonly string[], width: number | null): string {
  const [first = '', ...rest] = fields
  const indent = ' '.repeat(columnsOf(head))
  const lines = [`${head}${first}`]
  for (const field of rest) {
    const line = `${lines.at(-1)}  ${field}`
    if (width === null || columnsOf(line.trimEnd()) <= width) lines.splice(-1, 1, line)
    else lines.push(`${indent}${field.trimStart()}`)
  }
  return lines.map((line) => line.trimEnd()).join('\n')
}

/** Columns that a terminal needs for a text. Colours need none. */
export const columnsOf = (text: string): number => stringWidth(text)
