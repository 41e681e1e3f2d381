import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ownFiles } from '../../support/own-files.ts'

const ROOT = join(import.meta.dirname, '../../..')
const GLOSSARY = readFileSync(join(ROOT, 'docs/glossary.md'), 'utf8')

interface Named {
  readonly name: string
  readonly folder: string
}

/** The names that a file exports as that kind. */
function exported(path: string, text: string, kind: 'class' | 'interface|type'): readonly Named[] {
  const declared = new RegExp(`^export (?:abstract )?(?:${kind}) (\\w+)`, 'gm')
  const folder = path.split('/').slice(1, -1).join('/')
  return [...text.matchAll(declared)].map(([, name = '']) => ({ name, folder }))
}

const rowsIn = (glossary: string): readonly Named[] =>
  [...glossary.matchAll(/^\| `(\w+)` \| `([\w/-]+)` \| [^|]+ \|$/gm)].map(
    ([, name = '', folder = '']) => ({ name, folder }),
  )

const wordsIn = (glossary: string): readonly string[] =>
  [...glossary.matchAll(/^\| \*\*([^*]+)\*\* \|/gm)].map(([, word = '']) => word)

const twice = (names: readonly string[]): readonly string[] =>
  names.filter((name, index) => names.indexOf(name) !== index)

const label = ({ name, folder }: Named): string => `${folder}: ${name}`

const product = ownFiles()
  .filter((path) => path.startsWith('src/') && path.endsWith('.ts'))
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
const classes = product.flatMap(({ path, text }) => exported(path, text, 'class'))
const types = product.flatMap(({ path, text }) => exported(path, text, 'interface|type'))

/** Classes that share their name with a type. No name may be added to this list. */
const HOMONYMS: readonly string[] = []

describe('the glossary', () => {
  it('has a row for every exported class, with its folder, and no other row', () => {
    expect(rowsIn(GLOSSARY).map(label).sort()).toEqual(classes.map(label).sort())
  })

  it('has one meaning for one name: no two classes, and no class and a type', () => {
    const names = classes.map(({ name }) => name)
    expect(twice(names)).toEqual([])
    // The page for buyers is a program of its own.
    const ours = ({ folder }: Named) => folder !== 'web'
    const others = new Set(types.filter(ours).map(({ name }) => name))
    const shared = classes.filter((one) => ours(one) && others.has(one.name))
    expect(shared.map(({ name }) => name).sort()).toEqual(HOMONYMS)
  })

  it('has each word once, in the order of the alphabet', () => {
    const words = wordsIn(GLOSSARY)
    expect(words.length).toBeGreaterThan(70)
    expect(twice(words)).toEqual([])
    expect(words).toEqual([...words].sort((a, b) => a.localeCompare(b, 'en')))
    const names = rowsIn(GLOSSARY).map(({ name }) => name)
    expect(names).toEqual([...names].sort((a, b) => a.localeCompare(b, 'en')))
  })

  it('misses a class without a row, and a word that is there twice', () => {
    const text =
      'export class One {}\nexport abstract class Two {}\nclass Three {}\nexport type Four = 1'
    const folder = 'gate/inner'
    expect(exported('src/gate/inner/x.ts', text, 'class')).toEqual([
      { name: 'One', folder },
      { name: 'Two', folder },
    ])
    expect(exported('src/x.ts', text, 'interface|type')).toEqual([{ name: 'Four', folder: '' }])
    const rows = '| **a** | x | |\n| **a** | y | |\n| `One` | `gate/inner` | is one |\n'
    expect(rowsIn(rows)).toEqual([{ name: 'One', folder }])
    expect(twice(wordsIn(rows))).toEqual(['a'])
  })
})
