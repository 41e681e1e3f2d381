import { describe, expect, it } from 'vitest'
import { Blocks, MOST } from '../../../src/web/blocks.ts'
import { blocksOf, type Part, type Piece } from '../../../src/web/markdown.ts'

/** Writes a tree as one line: `p(a strong(b))`. */
function line(piece: Piece): string {
  if (typeof piece === 'string') return piece
  const { tag, kids, ...rest } = piece
  const about = Object.values(rest).map((value) => `[${value}]`)
  return `${tag}${about.join('')}(${kids.map(line).join('')})`
}

const tree = (text: string): string =>
  blocksOf(text, {})
    .map(({ part }) => line(part))
    .join(' ')

/** The blocks of a text that arrives in pieces. It is parsed after each piece. */
function grown(chunks: Iterable<string>): readonly Piece[] {
  const blocks = new Blocks()
  const done: Piece[] = []
  let open: readonly Piece[] = []
  for (const chunk of chunks) {
    blocks.add(chunk)
    for (let more = true; more; ) {
      const step = blocks.step()
      done.push(...step.done)
      open = step.open
      more = step.more
    }
  }
  return [...done, ...open]
}

const chunksOf = (text: string, size: number): string[] =>
  Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
    text.slice(at * size, (at + 1) * size),
  )

const ALL = `# One

Some *text* with **weight**, \`code\` and ~~what is struck~~,
in two lines. [A link](https://example.com/a?b=c "title") and https://example.org/x.

1. first
2. second
   - inner

     a second paragraph
3. third

| a | b | c |
|:--|:-:|--:|
| 1 | 2 | 3 |
| \`x|y\` |

> said
> > and said

\`\`\`\`js
let a = 1

\`\`\`
still code
\`\`\`\`

    indented

---
Setext
======
[name]: https://example.com/named

By [name] and ![a picture](https://example.com/p.png).
`

describe('markdown of an answer', () => {
  it.each([
    ['# One', 'h3(One)'],
    ['###### Six', 'h6(Six)'],
    ['a\nb', 'p(abr()b)'],
    ['*a* **b** ~~c~~ `d`', 'p(em(a) strong(b) s(c) code(d))'],
    ['- a\n- b', 'ul(li(a)li(b))'],
    ['- a\n\n- b', 'ul(li(p(a))li(p(b)))'],
    ['7. a\n8. b', 'ol[7](li(a)li(b))'],
    ['```py x\na <b>\n```', 'pre[py](a <b>\n)'],
    ['```\nopen', 'pre(open)'],
    ['a|b\n-|-:\n1|2', 'table(thead(tr(th(a)th[right](b)))tbody(tr(td(1)td[right](2))))'],
    ['> a', 'blockquote(p(a))'],
    ['a\n\n---\n\nb', 'p(a) hr() p(b)'],
    ['[a *b*](https://x.y/z)', 'p(a[https://x.y/z](a em(b)))'],
    ['<https://x.y/>', 'p(a[https://x.y/](https://x.y/))'],
    ['see https://x.y/z.', 'p(see a[https://x.y/z](https://x.y/z).)'],
    ['![words](https://x.y/p.png)', 'p(a[https://x.y/p.png](words))'],
    ['![](https://x.y/p.png)', 'p(a[https://x.y/p.png](https://x.y/p.png))'],
    ['![words](data:image/png;base64,AA)', 'p(words)'],
    ['[![words](https://x.y/p.png)](https://x.y/)', 'p(a[https://x.y/](words))'],
    ['&lt;b&gt; &amp; &#42;', 'p(<b> & *)'],
    ['', ''],
  ])('%j is %s', (text, expected) => {
    expect(tree(text)).toBe(expected)
  })

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'javascript&#58;alert(1)',
    'javascript&colon;alert(1)',
    '&#x6A;avascript:alert(1)',
    'java&Tab;script:alert(1)',
    '<java script:alert(1)>',
    '\u0001javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:msgbox(1)',
    'file:///etc/passwd',
    'blob:https://x.y/1',
    'ftp://x.y/',
    'mailto:a@b.c',
    '//x.y/z',
    '/create-invoice',
    '#main',
    'https://user:pass@x.y/',
    'https://bank.example@x.y/',
    'https://',
  ])('H6 no link leads to %j', (address) => {
    for (const text of [
      `[x](${address})`,
      `[x](<${address}>)`,
      `![x](${address})`,
      `[x]\n\n[x]: ${address}`,
      `<${address}>`,
    ]) {
      expect(hrefs(blocksOf(text, {}).map(({ part }) => part))).toEqual([])
    }
    // As plain text, a part of it may look like a harmless web address.
    for (const href of hrefs(blocksOf(address, {}).map(({ part }) => part))) {
      expect(href).toMatch(/^https:\/\/[\w.]+\/1?$/)
    }
  })

  it('is the same in whatever pieces it arrives', () => {
    const whole = grown([ALL])
    expect(whole).toEqual(blocksOf(ALL, {}).map(({ part }) => part))
    for (const size of [1, 2, 3, 7, 50]) expect(grown(chunksOf(ALL, size))).toEqual(whole)
    const windows = ALL.replaceAll('\n', '\r\n')
    for (const size of [1, 5]) expect(grown(chunksOf(windows, size))).toEqual(whole)
  })

  it('divides what is too long, and loses nothing of it', () => {
    const items = Array.from({ length: 3_000 }, (_, at) => `${at + 1}. item ${at + 1}`)
    const lists = grown([items.join('\n')]) as readonly Part[]
    expect(lists.length).toBeGreaterThan(3)
    expect(new Set(lists.map(({ tag }) => tag))).toEqual(new Set(['ol']))
    expect(lists.flatMap(({ kids }) => kids)).toHaveLength(3_000)
    expect(lists[1]?.start).toBe((lists[0]?.kids.length ?? 0) + 1)
    for (const text of ['word '.repeat(10_000), 'word\n'.repeat(10_000), 'w'.repeat(50_000)]) {
      const parts = grown([text])
      expect(parts.length).toBeGreaterThan(1)
      const letters = parts.map(line).join('').match(/w/g) ?? []
      expect(letters).toHaveLength(text.match(/w/g)?.length ?? 0)
    }
  })

  it('keeps a long code block in one piece, because it is copied as one', () => {
    const code = 'let a = 1\n'.repeat(10_000)
    const parts = grown([`before\n\n\`\`\`js\n${code}\`\`\`\n\nafter`])
    expect(parts.map((part) => (part as Part).tag)).toEqual(['p', 'pre', 'p'])
    expect((parts[1] as Part).kids).toEqual([code])
  })

  it('draws a code block of any number of lines', () => {
    const code = 'x\n'.repeat(200_000)
    expect(grown([`\`\`\`\n${code}\`\`\`\n\nafter`])).toEqual([
      { tag: 'pre', kids: [code] },
      { tag: 'p', kids: ['after'] },
    ])
  })

  it('J22 contains nothing that acts on a terminal', () => {
    const code = 'echo a\u001b[201~\r\n\trm -rf ~\u0007\u009b31m\u0000'
    const [block] = grown([`\`\`\`sh\n${code}\n\`\`\``, '\n\nx\u001b]0;y'])
    expect((block as Part).kids).toEqual(['echo a[201~\n\trm -rf ~31m\n'])
  })

  it('parses a bounded amount at once, whatever came before', () => {
    const blocks = new Blocks()
    blocks.add(`\`\`\`\n${'code\n'.repeat(20_000)}\`\`\`\n\n${'*a '.repeat(100_000)}`)
    let [most, before] = [0, 0]
    for (let more = true; more; ) {
      const { pending } = blocks
      most = Math.max(most, pending - before)
      more = blocks.step().more
      before = pending
    }
    expect(most).toBeLessThanOrEqual(MOST)
  })

  it('does not draw a table of a million cells, but draws the one beside it', () => {
    const head = `${'a|'.repeat(300)}\n${'-|'.repeat(300)}\n`
    expect(tables(grown([`${head}${'x\n'.repeat(500)}`]))).toEqual([])
    expect(tables(grown(['a|b\n-|-\nc|d']))).toEqual([4])
    const beside = `${'a|'.repeat(30)}\n${'-|'.repeat(30)}\n1|2\n\n${'a\n\n'.repeat(400)}`
    expect(tables(grown([beside]))).toEqual([60])
  })

  it.each([
    ['at once', 1_000_000],
    ['as a model writes them', 100],
  ])('draws a bounded number of cells of many small tables, %s', (_, size) => {
    const table = `${'a|'.repeat(69)}a\n${'-|'.repeat(69)}-\n${'x\n'.repeat(66)}\n\n`
    const drawn = tables(grown(chunksOf(table.repeat(60), size)))
    expect(drawn.reduce((sum, cells) => sum + cells, 0)).toBeLessThanOrEqual(20_000)
    // Tables of usual size must still be drawn.
    const usual = `a|b|c\n-|-|-\n${'1|2|3\n'.repeat(20)}\n\n`
    expect(tables(grown(chunksOf(usual.repeat(100), size)))).toHaveLength(100)
  })

  it('nests only to a bounded depth', () => {
    for (const text of ['> '.repeat(4_000), '- '.repeat(4_000), '*a **a '.repeat(1_000)]) {
      expect(depth(blocksOf(text, {}).map(({ part }) => part))).toBeLessThan(60)
    }
  })
})

const hrefs = (pieces: readonly Piece[]): string[] =>
  pieces.flatMap((piece) =>
    typeof piece === 'string'
      ? []
      : [...(piece.href === undefined ? [] : [piece.href]), ...hrefs(piece.kids)],
  )

/** The number of cells of each table. */
const tables = (pieces: readonly Piece[]): number[] =>
  pieces.flatMap((piece) => {
    if (typeof piece === 'string' || piece.tag !== 'table') return []
    return [line(piece).match(/t[hd]\(/g)?.length ?? 0]
  })

const depth = (pieces: readonly Piece[]): number =>
  Math.max(0, ...pieces.map((piece) => (typeof piece === 'string' ? 0 : 1 + depth(piece.kids))))
