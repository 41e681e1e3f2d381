import { describe, expect, it } from 'vitest'
import { table } from '../../../src/cli/tables.ts'

describe('a table', () => {
  it('can have more rows than a call may have arguments, as the ledger of a year has', () => {
    const rows = Array.from({ length: 200_000 }, (_, at) => [`row ${at}`, at])
    const lines = table(['name', 'count'], rows).trimEnd().split('\n')
    expect(lines).toHaveLength(200_001)
    expect([lines[1], lines.at(-1)]).toEqual(['row 0            0', 'row 199999  199999'])
  })
})
