import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { outlineOf } from '../../support/links.ts'
import { ownFiles } from '../../support/own-files.ts'
import {
  type Known,
  type Source,
  specsOf,
  threatsInTitles,
  threatsOf,
  unresolved,
} from '../../support/references.ts'

const ROOT = join(import.meta.dirname, '../../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Tests that contain bad samples on purpose. */
const SAMPLES = ['test/unit/docs/references.test.ts', 'test/tidy.test.ts']
/** Files that people read. Fixtures are data, so they are left out. */
const READ = /\.(?:ts|mts|mjs|md|yaml|sh|py|css|html|service)$/
const files = ownFiles()
const sources: readonly Source[] = files
  .filter(
    (path) => READ.test(path) && !path.startsWith('test/fixtures/') && !SAMPLES.includes(path),
  )
  .map((path) => ({ path, text: read(path) }))

const threats = threatsOf(read('docs/threats.md'))
const outlines = new Map<string, ReadonlySet<string>>()
const known: Known = {
  threats: new Set(threats.keys()),
  adrs: new Set(files.flatMap((path) => Number(/^docs\/adr\/(\d+)/.exec(path)?.[1] ?? []))),
  specs: specsOf(read('docs/wire.md')),
  files: new Set(files),
  anchors: (path) => {
    const anchors = outlines.get(path) ?? outlineOf(read(path)).anchors
    outlines.set(path, anchors)
    return anchors
  },
}

describe('what this repository refers to', () => {
  it('is all in it: threats, decisions, specifications, documents, files', () => {
    expect(sources.flatMap((source) => unresolved(source, known))).toEqual([])
  })

  it('of the threats is built and tested, or reserved', () => {
    const titled = new Set(sources.flatMap(threatsInTitles))
    const built = [...threats].filter(([, state]) => state === 'built').map(([id]) => id)
    expect(built.length).toBeGreaterThan(100)
    expect(built.filter((id) => !titled.has(id))).toEqual([])
    const reserved = [...threats].filter(([, state]) => state === 'reserved').map(([id]) => id)
    expect(reserved.filter((id) => titled.has(id))).toEqual([])
  })

  it('as the test of a threat has its id in a title', () => {
    const titles = new Map(sources.map((source) => [source.path, threatsInTitles(source)]))
    const rows = [...read('docs/threats.md').matchAll(/^\| ([A-L]\d+) \|.*\| `([^`]+)` \|$/gm)]
    const wrong = rows.filter(([, id = '', path = '']) => !titles.get(path)?.includes(id))
    expect(rows.length).toBeGreaterThan(100)
    expect(wrong.map(([, id, path]) => `${id} ${path}`)).toEqual([])
  })
})

describe('a reference that leads nowhere', () => {
  const small: Known = {
    threats: new Set(['A1', 'J22']),
    adrs: new Set([25]),
    specs: specsOf(
      '| [NUT-04](https://x.example/04.md) | mint |\n| [RFC 9110](https://x.example) | |',
    ),
    files: new Set(['docs/money.md', 'README.md', 'src/gate/outcome.ts', 'test/e2e/a.test.ts']),
    anchors: () => new Set(['prices']),
  }
  const found = (path: string, text: string) => unresolved({ path, text }, small)

  it.each([
    ['a threat', '// (threats A2)', ['A2']],
    ['a threat in a block', '/**\n * is refused (J23).\n */', ['J23']],
    ['a threat behind code', 'const a = 1 // J23', ['J23']],
    ['a decision', '/** See ADR 26. */', ['ADR 26']],
    ['a specification', '// NUT-05', ['NUT-05']],
    ['a specification in another spelling', '// NUT 04, RFC9110', ['NUT 04', 'RFC9110']],
    ['a document', '// docs/none.md', ['docs/none.md']],
    ['a document by its bare name', '// threats.md', ['threats.md']],
    ['an anchor', '// docs/money.md#none', ['docs/money.md#none']],
    ['a file', '// `gate/none.ts`', ['gate/none.ts']],
    ['a part of a name', '// `come.ts`', ['come.ts']],
    ['a folder', '// src/none', ['src/none']],
    ['a rule of no document', '// (style rule 6)', ['style rule 6']],
    ['a design', '// DESIGN 4.5a', ['DESIGN']],
    ['wire facts', '// wire facts 1.4, surface 3', ['wire facts 1', 'surface 3']],
  ])('is found: %s', (_, text, expected) => {
    expect(found('src/x.ts', text).map((one) => one.replace(/^\S+:\d+: /, ''))).toEqual(expected)
  })

  it.each([
    ['a threat', '// threats A1 and (J22); L402, A4-paper, T1, 0xA9'],
    ['a decision', '// ADR 25'],
    ['a specification', '// NUT-04, RFC 9110'],
    ['a document', '// docs/money.md, docs/money.md#prices, README.md'],
    ['a file', '// `outcome.ts`, gate/outcome.ts, src/gate/outcome.ts, src/gate'],
    ['a name to be filled in', '// test/fixtures/NAME, NAME.md, dist/web/page.md'],
    ['code', "const a = 'J99' + paths['src/none']"],
  ])('is not found: %s', (_, text) => {
    expect(found('src/x.ts', text)).toEqual([])
  })

  it('is found in titles of tests and in documents, and says its line', () => {
    expect(found('test/e2e/b.test.ts', "\nit('J99 is refused', () => {")).toEqual([
      'test/e2e/b.test.ts:2: J99',
    ])
    expect(found('docs/x.md', 'See J99.\n\n```\nJ98\n```\n')).toEqual(['docs/x.md:1: J99'])
    expect(found('docs/x.md', '[money](money.md) [a](../README.md) [b](none.md)')).toEqual([
      'docs/x.md:1: none.md',
    ])
  })

  it('is found where a row has no test, and a row is found once', () => {
    expect(
      threatsInTitles({
        path: 'test/a.test.ts',
        text: "it('A1 and J22 x', f)\n'A5 a case',\n// A7",
      }),
    ).toEqual(['A1', 'J22', 'A5'])
    const text = '## A\n| A1 | x |\n## Not built yet\n| L2 | y |\n'
    expect([...threatsOf(text)]).toEqual([
      ['A1', 'built'],
      ['L2', 'reserved'],
    ])
    expect(() => threatsOf('| A1 | x |\n| A1 | y |')).toThrow('two rows for A1')
  })
})
