/** The figures, their ratios and their goals, as a table. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The name of what is measured. `before` is a second satgate, of `--against`. */
export type Target = string

/** One value of each round, in order. A target that was not measured has none. */
export interface Measured {
  readonly figure: Figure
  readonly values: Readonly<Record<Target, readonly number[]>>
}

export interface Figure {
  readonly name: string
  readonly digits: number
  /**
   * `ratio`: satgate ÷ the bare proxy in each round. `less`: satgate less the bare proxy. `plain`:
   * satgate's own.
   */
  readonly judged: 'ratio' | 'less' | 'plain'
  readonly goal: { readonly least: number } | { readonly most: number } | null
}

/** One row for each figure: medians over the rounds, then the median and range of what is judged. */
export function tableOf(measured: readonly Measured[], targets: readonly Target[]): string {
  const before = targets.includes('before')
  const rows = measured.map(({ figure, values }) => {
    const shown = targets.map((target) => number(median(values[target] ?? []), figure.digits))
    const judged = judge(figure, values, 'satgate')
    const cells = [...shown, ...(before ? [spread(figure, judge(figure, values, 'before'))] : [])]
    return [figure.name, ...cells, spread(figure, judged), goal(figure, median(judged))]
  })
  const held = ['satgate ÷ bare (range)', 'goal']
  const header = ['figure', ...targets, ...(before ? ['before ÷ bare (range)'] : []), ...held]
  return table(header, rows)
}

/** A Markdown table. The first column is to the left, the others to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((_, at) => Math.max(...[header, ...rows].map((row) => row[at]!.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(' | ')} |`
  const rule = `|${widths.map((width, at) => (at === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(header), rule, ...rows.map(line)].join('\n')
}

/** One value for each round in which both were measured. */
function judge(
  { judged }: Figure,
  values: Measured['values'],
  target: 'satgate' | 'before',
): readonly number[] {
  const own = values[target] ?? []
  if (judged === 'plain') return own
  const bare = values.bare ?? []
  return own
    .slice(0, bare.length)
    .map((value, at) => (judged === 'less' ? value - bare[at]! : value / bare[at]!))
}

/** The median, and the least and the greatest if there was more than one round. */
function spread({ judged, digits }: Figure, values: readonly number[]): string {
  const show = (value: number): string => number(value, judged === 'ratio' ? 2 : digits)
  const range = `(${show(Math.min(...values))}–${show(Math.max(...values))})`
  const sign = judged === 'less' && median(values) > 0 ? '+' : ''
  return `${sign}${show(median(values))}${values.length > 1 ? ` ${range}` : ''}`
}

function goal({ goal, judged }: Figure, held: number): string {
  if (goal === null) return ''
  const [sign, bound] = 'least' in goal ? ['≥', goal.least] : ['≤', goal.most]
  const met = 'least' in goal ? held >= bound : held <= bound
  const verdict = Number.isNaN(held) ? '' : met ? ', met' : ', missed'
  return `${sign} ${judged === 'less' ? '+' : ''}${bound}${verdict}`
}

/** NaN if there are none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

export const number = (value: number, digits: number): string =>
  Number.isFinite(value)
    ? value.toLocaleString('en-US', {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      })
    : '–'

/** Puts a table between the markers of bench/README.md that name this command. */
export function writeReadme(command: string, text: string): void {
  const path = join(import.meta.dirname, 'README.md')
  const readme = readFileSync(path, 'utf8')
  const begin = `<!-- table: ${command} -->`
  const from = readme.indexOf(begin) + begin.length
  const to = readme.indexOf('<!-- end of table -->', from)
  if (from < begin.length || to < 0) throw new Error(`bench/README.md has lost ${begin}`)
  writeFileSync(path, `${readme.slice(0, from)}\n\n${text}\n\n${readme.slice(to)}`)
}
