import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EVENTS } from '../../../src/cli/events.ts'
import { PROBLEMS } from '../../../src/cli/problems.ts'

/** The tables of docs/monitoring.md are those of the source. */
const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const DOCUMENT = read('docs/monitoring.md')
const [EVENT_TABLES = '', PROBLEM_TABLE = ''] = DOCUMENT.split('\n## Problems\n')

/** The cells of the row that begins with that name. */
const rowOf = (name: string, part: string): readonly string[] => {
  const line = part.split('\n').find((one) => one.startsWith(`| \`${name}\` |`)) ?? ''
  return line.split('|').map((cell) => cell.trim())
}
const named = (cell = ''): readonly string[] =>
  [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)

describe('docs/monitoring.md', () => {
  it.each(Object.entries(EVENTS))('has the event %s with its fields', (name, { fields }) => {
    expect(named(rowOf(name, EVENT_TABLES)[3])).toEqual(fields)
  })

  it.each(Object.entries(PROBLEMS))('has the problem %s', (what, { level, fields, ends }) => {
    const [, , told, shown, solved] = rowOf(what, PROBLEM_TABLE)
    expect([told, named(shown), solved]).toEqual([
      level,
      fields,
      ends === undefined ? 'never' : 'yes',
    ])
  })
})
