import { onLine } from '../floor/printable.ts'

/** Characters of a cell. */
const LONGEST = 80

/** Columns of text, numbers to the right, for a person's eyes. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const cells = [heads, ...rows.map((row) => row.map((cell) => onLine(String(cell), LONGEST)))]
  const widths = heads.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  )
  const numeric = heads.map((_, column) => rows.every((row) => typeof row[column] === 'number'))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return numeric[column] ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return `${cells.map((row) => line(row)).join('\n')}\n`
}
