/** The figures, their ratios and their goals, as a table. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Target = 'direct' | 'nginx' | 'satgate'

/** Medians over the rounds. NaN if a target was not measured. */
export interface Measured {
  readonly figure: Figure
  readonly values: Readonly<Record<Target, number>>
}

export interface Figure {
  readonly name: string
  readonly digits: number
  /**
   * `ratio`: satgate ÷ nginx. `added`: the ratio of what each adds to direct. `plain`: satgate's
   * own figure.
   */
  readonly judged: 'ratio' | 'added' | 'plain'
  readonly goal: { readonly least: number } | { readonly most: number } | null
}

/** One row for each figure, with its goal. */
export function tableOf(measured: readonly Measured[]): string {
  const rows = measured.map(({ figure, values }) => {
    const show = (target: Target): string => number(values[target], figure.digits)
    const judged = judge(figure, values)
    const digits = figure.judged === 'plain' ? figure.digits : 2
    const cells = [show('direct'), show('nginx'), show('satgate'), number(judged, digits)]
    return [figure.name, ...cells, goal(figure, judged)]
  })
  const header = ['figure', 'direct', 'nginx', 'satgate', 'held against the goal', 'goal']
  const widths = header.map((_, at) => Math.max(...[header, ...rows].map((row) => row[at]!.length)))
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(' | ')} |`
  const rule = `|${widths.map((width, at) => (at === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(header), rule, ...rows.map(line)].join('\n')
}

function judge({ judged }: Figure, { direct, nginx, satgate }: Measured['values']): number {
  if (judged === 'plain') return satgate
  if (judged === 'ratio') return satgate / nginx
  // On a busy machine, nginx may seem to add nothing. Then there is no ratio.
  return nginx > direct ? (satgate - direct) / (nginx - direct) : Number.NaN
}

function goal({ goal }: Figure, judged: number): string {
  if (goal === null) return ''
  const [sign, bound] = 'least' in goal ? ['≥', goal.least] : ['≤', goal.most]
  const met = 'least' in goal ? judged >= bound : judged <= bound
  const verdict = Number.isNaN(judged) ? '' : met ? ', met' : ', missed'
  return `${sign} ${number(bound, Number.isInteger(bound) ? 0 : 1)}${verdict}`
}

const number = (value: number, digits: number): string =>
  Number.isFinite(value)
    ? value.toLocaleString('en-US', {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      })
    : '–'

const BEGIN = '<!-- table: npm run bench -- --write -->'
const END = '<!-- end of table -->'

/** Puts a table between the markers of bench/README.md. */
export function writeReadme(text: string): void {
  const path = join(import.meta.dirname, 'README.md')
  const readme = readFileSync(path, 'utf8')
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)]
  if (from < 0 || to < from) throw new Error('bench/README.md has lost its markers')
  writeFileSync(path, `${readme.slice(0, from + BEGIN.length)}\n\n${text}\n\n${readme.slice(to)}`)
}
