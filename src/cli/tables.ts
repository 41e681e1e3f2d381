import { onLine } from '../floor/printable.ts'
import { columnsOf, fill } from './terminal.ts'

/** Characters of a cell. */
const LONGEST = 80

const isNumber = (cell: string | number): boolean =>
  typeof cell === 'number' || /^-?[\d,]+(?:\.\d+)?$/.test(cell)

/** A table for people. Columns that hold only numbers are aligned right, all others left. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const cells = [heads, ...rows.map((row) => row.map((cell) => onLine(String(cell), LONGEST)))]
  const widths = heads.map((_, column) =>
    cells.reduce((most, row) => Math.max(most, columnsOf(row[column] ?? '')), 0),
  )
  const numeric = heads.map((_, column) => rows.every((row) => isNumber(row[column] ?? '')))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return fill(cell, width, numeric[column])
      })
      .join('  ')
      .trimEnd()
  return `${cells.map((row) => line(row)).join('\n')}\n`
}
