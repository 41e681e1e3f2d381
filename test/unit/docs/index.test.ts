import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { outlineOf } from '../../support/links.ts'

const DOCS = join(import.meta.dirname, '../../../docs')
const index = readFileSync(join(DOCS, 'README.md'), 'utf8')

describe('docs/README.md', () => {
  it('has a line for every document', () => {
    const linked = new Set(outlineOf(index).targets.map((target) => target.replace(/#.*/, '')))
    const pictures = ['img']
    const documents = readdirSync(DOCS).filter((name) => ![...pictures, 'README.md'].includes(name))
    expect(documents.length).toBeGreaterThan(10)
    expect(documents.filter((name) => !linked.has(name))).toEqual([])
  })
})
