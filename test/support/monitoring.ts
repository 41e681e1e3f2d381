import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The tables of `docs/monitoring.md`, for the tests that hold them against a gate. */
export const MONITORING = readFileSync(
  join(import.meta.dirname, '../../docs/monitoring.md'),
  'utf8',
)

/** From a heading to the next one of its level or above. */
export function section(heading: string): string {
  const [, after = ''] = MONITORING.split(`\n${heading}\n`)
  const level = heading.indexOf(' ')
  return after.split(new RegExp(`\n#{1,${level}} `))[0] ?? ''
}

/** The first table of a section: its rows below the head, cell by cell. */
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

/** What stands between backticks. */
export const names = (text: string): string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
