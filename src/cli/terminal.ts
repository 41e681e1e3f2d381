import { styleText } from 'node:util'
import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'
import type { Out } from '../daemon/host.ts'
import { onLine } from '../floor/printable.ts'

/** Weight and colour of text; each gives its text back unchanged where no colours are shown. */
export interface Ink {
  readonly bold: (text: string) => string
  readonly faint: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
  readonly cyan: (text: string) => string
}

/** The inks of an output: of the terminal's own palette, so that they can be read on any background. */
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

/** Columns that text is wrapped to where there is a terminal; null: it is not wrapped. */
export function widthOf(out: Pick<Out, 'columns'>): number | null {
  const columns = out.columns()
  return columns === null ? null : Math.max(NARROWEST, columns)
}

const NARROWEST = 40

/**
 * `head` and the text after it, as lines of at most `width` columns: the lines after the first begin
 * under the text. A word that is longer than a line stays whole, so that addresses and commands can
 * be copied. `width` null: one line.
 */
export function hang(head: string, text: string, width: number | null): string {
  if (width === null) return `${head}${text}`
  const hanging = columnsOf(head)
  const lines = wrapAnsi(text, Math.max(LEAST_TEXT, width - hanging), { hard: false }).split('\n')
  return `${head}${lines.join(`\n${' '.repeat(hanging)}`)}`
}

/** Columns that a text has at least, however long its head is. */
export const LEAST_TEXT = 19

/** Columns of a name that somebody else chose, of a model for example. */
export const LONGEST_NAME = 32

/** Such a name on one line, in at most so many columns. A Chinese character takes two of them. */
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
/** What is one character to a person may be several to a program. */
const GRAPHEMES = new Intl.Segmenter()

/** Filled with spaces up to so many columns. */
export function fill(text: string, columns: number, right = false): string {
  const spaces = ' '.repeat(Math.max(0, columns - columnsOf(text)))
  return right ? `${spaces}${text}` : `${text}${spaces}`
}

/** The same with fields, two spaces apart, that are wrapped only between two of them. */
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

/** How wide a terminal shows it, without its colours. */
export const columnsOf = (text: string): number => stringWidth(text)
