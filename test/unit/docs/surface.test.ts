import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { satgate } from '../../../src/cli/commands/index.ts'

const SURFACE = readFileSync(join(import.meta.dirname, '../../../docs/surface.md'), 'utf8')
const section = (heading: string): string =>
  SURFACE.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''

describe('docs/surface.md', () => {
  it('names every command, and no other', () => {
    const [names = ''] = section('Commands').split(';')
    const named = [...names.matchAll(/`([a-z]+)`/g)].map(([, name]) => name)
    const commands = (satgate.commands ?? []).map(({ name }) => name)
    expect(new Set(named)).toEqual(new Set(['satgate', ...commands]))
  })
})
