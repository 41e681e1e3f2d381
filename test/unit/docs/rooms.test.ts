import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ownFiles } from '../../support/own-files.ts'

const ROOT = join(import.meta.dirname, '../../..')
const ARCHITECTURE = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')

/** The part of the document that says which file has which rule. */
const roomsIn = (document: string): string =>
  document.split(/^## /m).find((part) => part.startsWith('The rooms, file by file')) ?? ''

/** The files that have a row of their own or are in a list of helpers, as often as they occur. */
function placesIn(rooms: string): readonly string[] {
  const lists = rooms.matchAll(/^Helpers?: [^#|]*/gm)
  const rows = rooms.matchAll(/^\| `([\w/-]+\.ts)` \|/gm)
  const web = rooms.matchAll(/^\| [a-z ]+ \| (`web\/.*) \|$/gm)
  const texts = [...lists, ...web].map(([whole]) => whole)
  const listed = texts.flatMap((text) => [...text.matchAll(/`([\w/-]+\.ts)`/g)])
  return [...rows, ...listed].map(([, path = '']) => path)
}

describe('the rooms of docs/architecture.md', () => {
  const places = placesIn(roomsIn(ARCHITECTURE))

  it('have each file of the product once, in a row or in a list of helpers', () => {
    const files = ownFiles().flatMap((path) => /^src\/(.+\.ts)$/.exec(path)?.[1] ?? [])
    expect(files.length).toBeGreaterThan(300)
    expect([...places].sort()).toEqual([...files].sort())
  })

  it('would show a file that is in no place, and one that is in two', () => {
    const rooms = '| `a/b.ts` | x, as `a/c.ts` |\n\nHelpers: `a/d.ts` (x),\n`a/b.ts`.\n\n### `e`\n'
    expect(placesIn(rooms)).toEqual(['a/b.ts', 'a/d.ts', 'a/b.ts'])
  })
})
