import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Works } from './measure.ts'
import type { Row } from './row.ts'

const DOCUMENT = fileURLToPath(new URL('../../../docs/clients.md', import.meta.url))
const OPEN = '<!-- matrix: written by WRITE_CLIENTS=1 npm run test:interop:full -->'
const CLOSE = '<!-- /matrix -->'
const HEAD = [
  'client',
  'version',
  'what a person types',
  'API',
  'streams',
  'tool',
  'a 402',
  'credit runs out',
  'backend breaks',
  'goes on after a top-up',
]

/** The table of docs/clients.md: the cells of each client, without the name, by its name. */
export type Table = ReadonlyMap<string, readonly string[]>

/** The cells of a client, as they stand in the table. */
export const cellsOf = (row: Row, works: Works): readonly string[] => [
  ...[row.version(), row.types, `\`${row.path}\``],
  ...[works.streams, works.tool, works.refused, works.runsOut, works.breaks, works.topsUp],
]

/** Which cell is a version: a newer one is no drift. */
export const withoutVersion = (cells: readonly string[]): readonly string[] => cells.slice(1)

/** The table as it is committed. */
export function readTable(document = readFileSync(DOCUMENT, 'utf8')): Table {
  const rows = document
    .slice(document.indexOf(OPEN), document.indexOf(CLOSE))
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .slice(1)
    .map((line) => line.slice(2, -2).split(' | '))
  return new Map(rows.map(([name = '', ...cells]) => [name, cells]))
}

/** Writes the table into the document, in the order of `names`, with the day of the run. */
export function writeTable(table: Table, names: readonly string[], today: string): void {
  const document = readFileSync(DOCUMENT, 'utf8')
  const rows = names.flatMap((name) => {
    const cells = table.get(name)
    return cells === undefined ? [] : [[name, ...cells]]
  })
  const lines = [HEAD, HEAD.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  const text = `${OPEN}\n\n${lines.join('\n')}\n\nMeasured on ${today}.\n\n`
  const [begin, end] = [document.indexOf(OPEN), document.indexOf(CLOSE)]
  if (begin === -1 || end === -1) throw new Error('docs/clients.md has no place for the table')
  writeFileSync(DOCUMENT, document.slice(0, begin) + text + document.slice(end))
}
