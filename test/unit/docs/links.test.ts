import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { brokenLinks, documentsBelow, outlineOf } from '../../support/links.ts'

const ROOT = join(import.meta.dirname, '../../..')

describe('the documents of this repository', () => {
  it('have no relative link, image or anchor that leads nowhere', () => {
    expect(brokenLinks(ROOT)).toEqual([])
  })

  it('are all found', () => {
    expect(documentsBelow(ROOT)).toEqual(
      expect.arrayContaining([
        'CHANGELOG.md',
        'CONTRIBUTING.md',
        'README.md',
        'SECURITY.md',
        'bench/README.md',
        'docs/adr/0001-own-macaroon-codec.md',
        'docs/money.md',
        'examples/curl-l402/README.md',
      ]),
    )
  })

  it('link from docs to no source and no test, which a package does not have', () => {
    const outside = brokenLinks(join(ROOT, 'docs'))
    expect(outside.filter((link) => /\.\.\/(?:src|test|scripts|bin)\b/.test(link))).toEqual([])
  })
})

describe('a broken link', () => {
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })
  const broken = (files: Readonly<Record<string, string>>) => {
    const root = mkdtempSync(join(tmpdir(), 'satgate-links-'))
    folders.push(root)
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    return brokenLinks(root)
  }

  it.each([
    ['a file', '[x](b.md)', ['a.md: b.md']],
    ['a file that is there', '[x](c/d.md) [y](c) [z](./c/d.md)', []],
    ['an anchor', '[x](#two)', ['a.md: #two']],
    ['an anchor of another file', '[x](c/d.md#three)', ['a.md: c/d.md#three']],
    ['an anchor that is there', '[x](#one) [y](c/d.md#two-words)', []],
    ['an anchor of a folder', '[x](c#one)', ['a.md: c#one']],
    ['a file outside', '[x](../a.md)', ['a.md: ../a.md']],
    ['an image', '![x](c/no.png)', ['a.md: c/no.png']],
    ['an image in HTML', '<p>\n<img src="c/no.png" width="3">\n</p>', ['a.md: c/no.png']],
    ['a reference', '[x][1]\n\n[1]: no.md', ['a.md: no.md']],
    ['a link in a table', '| a | b |\n|---|---|\n| [x](no.md) | y |', ['a.md: no.md']],
    ['code', '`[x](no.md)`\n\n```\n[x](no.md)\n```', []],
    ['an absolute address', '[x](https://no.example/#y) <mailto:a@b.c>', []],
  ])('to %s', (_, text, expected) => {
    expect(broken({ 'a.md': `# One\n\n${text}\n`, 'c/d.md': '## Two `words`\n' })).toEqual(expected)
  })

  it('is looked for in the anchors that GitHub makes', () => {
    const { anchors } = outlineOf('# A `B`: c, d!\n\n## Same\n\n## Same\n\n<a id="own"></a>\n')
    expect([...anchors]).toEqual(['a-b-c-d', 'same', 'same-1', 'own'])
  })
})
