import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The tables of `docs/monitoring.md`, for the tests that hold them against a gate. */
export const MONITORING = readFileSync(
  join(import.meta.dirname, '../../docs/monitoring.md'),
  'utf8',
)

/** The text from a heading to the next heading of the same or a higher level. */
export function section(heading: string): string {
  const [, after = ''] = MONITORING.split(`\n${heading}\n`)
  const level = heading.indexOf(' ')
  return after.split(new RegExp(`\n#{1,${level}} `))[0] ?? ''
}

/** The rows of the first table of a section, without its head. Each row is a list of cells. */
export function rowsOf(heading: string): readonly (readonly string[])[] {
  const lines = section(heading).split('\n')
  const first = lines.findIndex((line) => line.startsWith('| --- '))
  const rest = lines.slice(first + 1)
  const last = rest.findIndex((line) => !line.startsWith('|'))
  return rest.slice(0, last).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  )
}

/** The texts between backticks. */
export const names = (text: string): string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
