import { describe, expect, it } from 'vitest'
import { table } from '../../../src/cli/tables.ts'

describe('a table', () => {
  it('has as many rows as there are: the ledger of a year is more than a call takes arguments', () => {
    const rows = Array.from({ length: 200_000 }, (_, at) => [`row ${at}`, at])
    const lines = table(['name', 'count'], rows).trimEnd().split('\n')
    expect(lines).toHaveLength(200_001)
    expect([lines[1], lines.at(-1)]).toEqual(['row 0            0', 'row 199999  199999'])
  })
})
