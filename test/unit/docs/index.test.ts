import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { outlineOf } from '../../support/links.ts'

const DOCS = join(import.meta.dirname, '../../../docs')
const index = readFileSync(join(DOCS, 'README.md'), 'utf8')

describe('docs/README.md', () => {
  it('has a line for every document', () => {
    const linked = new Set(outlineOf(index).targets.map((target) => target.replace(/#.*/, '')))
    const documents = readdirSync(DOCS, { withFileTypes: true }).flatMap((entry) => {
      if (!entry.isDirectory() || linked.has(entry.name)) return [entry.name]
      return readdirSync(join(DOCS, entry.name)).map((name) => `${entry.name}/${name}`)
    })
    expect(documents.length).toBeGreaterThan(10)
    const missing = documents.filter((name) => !linked.has(name))
    expect(missing.filter((name) => name !== 'README.md' && !/\.png$/.test(name))).toEqual([])
  })
})
