/**
 * What comments, test titles and documents refer to, and which of it is not in this repository.
 * Pure: files are handed in as text, so that each rule can be seen to fail.
 */

/** A file of the tree: its path from the root with `/`, and its text. */
export interface Source {
  readonly path: string
  readonly text: string
}

/** What can be referred to. */
export interface Known {
  /** Ids of threats that have a row. */
  readonly threats: ReadonlySet<string>
  /** Numbers of the files in `docs/adr`. */
  readonly adrs: ReadonlySet<number>
  /** `NUT-04`, `RFC 9110`: what `docs/wire.md` lists with its address. */
  readonly specs: ReadonlySet<string>
  /** Paths of all files of the repository. */
  readonly files: ReadonlySet<string>
  /** The anchors of a document. */
  readonly anchors: (path: string) => ReadonlySet<string>
}

/** An id of a threat. Not a part of a name, a path, a number or a longer word. */
const THREAT = /(?<![\w./#-])[A-L]\d{1,2}(?![\w-]|\.\d)/g
const ADR = /\bADR (\d+)\b/g
const SPEC = /\b(?:NUT|LUD|BIP|b?BLIP|bLIP|BOLT|RFC|NIP|EIP|UAX)[- ]?#?\d+\b/g
const DOCUMENT = /(?<![\w/.:-])([\w./-]+\.md)(?:#([\w-]+))?/g
const CODE = /(?<![\w/.:@*-])([\w.][\w./-]*\.(?:ts|mts|mjs))\b/g
const FOLDER =
  /(?<![\w/.:@*-])((?:src|test|scripts|bench|examples|docs)\/[\w-]+(?:\/[\w-]+)*)\/?(?![\w/.*-])/g
/** A path with a word in capitals that stands for a name, and what a build makes. */
const STANDS_FOR = /(?:^|\/)[A-Z]{2,}(?:\/|\.md$|$)|^dist\//
/** Words for documents that people who only have this repository cannot look up. */
const ELSEWHERE =
  /\bDESIGN\b|\bdesign: |\bshared\/design\b|\breal parts\b|\b(?:wire facts?|surface|seams?|style(?: rule)?) \d/g

/** The rows of a table whose first cell is an id. A row under `Not built yet` is reserved. */
export function threatsOf(document: string): ReadonlyMap<string, 'built' | 'reserved'> {
  const rows = new Map<string, 'built' | 'reserved'>()
  let state: 'built' | 'reserved' = 'built'
  for (const line of document.split('\n')) {
    if (line.startsWith('## ')) state = line === '## Not built yet' ? 'reserved' : 'built'
    const id = /^\| ([A-L]\d{1,2}) \|/.exec(line)?.[1]
    if (id === undefined) continue
    if (rows.has(id)) throw new Error(`two rows for ${id}`)
    rows.set(id, state)
  }
  return rows
}

/** Names of specifications with an address, from the table of `docs/wire.md`. */
export function specsOf(document: string): ReadonlySet<string> {
  return new Set(
    [...document.matchAll(/^\| \[([^\]]+)\]\(https:\/\/[^)]+\) \|/gm)].map(
      ([, name]) => name ?? '',
    ),
  )
}

/** The lines that people read: of code its comments and, in tests, the titles; of documents all but code blocks. */
function proseOf({ path, text }: Source): readonly string[] {
  const lines = text.split('\n')
  if (/\.md$/.test(path)) return withoutBlocks(lines)
  if (!/\.(?:ts|mts|mjs|js)$/.test(path)) return lines
  let inside = false
  return lines.map((line) => {
    const starts = /^\s*\/\*/.test(line)
    const comment = inside || starts || /(?:^|[\s;{(,])\/\/ /.test(line)
    if (starts || inside) inside = !line.includes('*/')
    if (comment) return starts || inside ? line : line.replace(/^(?:(?!\/\/ ).)*\/\/ /, '')
    return path.startsWith('test/') && isTitle(line) ? line : ''
  })
}

const isTitle = (line: string): boolean =>
  /\b(?:it|test|describe)\b[\w.]*[(`]/.test(line) || /^\s*(?:\]\)\()?['"`]/.test(line)

/** Fenced blocks are left out, line by line, so that numbers of lines stay. */
function withoutBlocks(lines: readonly string[]): readonly string[] {
  let inside = false
  return lines.map((line) => {
    const fence = /^\s*(?:```|~~~)/.test(line)
    if (fence) inside = !inside
    return fence || inside ? '' : line
  })
}

/** Ids of threats in the titles of a test file. */
export function threatsInTitles({ path, text }: Source): readonly string[] {
  if (!path.startsWith('test/') || !path.endsWith('.ts')) return []
  return text
    .split('\n')
    .filter(isTitle)
    .flatMap((line) => line.match(THREAT) ?? [])
}

/** Every reference of a file that leads nowhere, as `PATH:LINE: WHAT`. */
export function unresolved(source: Source, known: Known): readonly string[] {
  const history = source.path.startsWith('docs/adr/') || source.path === 'CHANGELOG.md'
  return proseOf(source).flatMap((line, index) => {
    const wrong = [
      ...threats(line, known),
      ...adrs(line, known),
      ...specs(line, known),
      ...(history ? [] : documents(source.path, line, known)),
      ...(history ? [] : code(source.path, line, known)),
      ...[...line.matchAll(ELSEWHERE)].map(([cited]) => cited),
    ]
    return wrong.map((what) => `${source.path}:${index + 1}: ${what}`)
  })
}

const threats = (line: string, known: Known): readonly string[] =>
  (line.match(THREAT) ?? []).filter((id) => !known.threats.has(id))

const adrs = (line: string, known: Known): readonly string[] =>
  [...line.matchAll(ADR)].filter(([, n]) => !known.adrs.has(Number(n))).map(([cited]) => cited)

const specs = (line: string, known: Known): readonly string[] =>
  [...line.matchAll(SPEC)].map(([cited]) => cited).filter((cited) => !known.specs.has(cited))

/** In a document a path may also start at its own folder; elsewhere it starts at the root. */
function documents(from: string, line: string, known: Known): readonly string[] {
  return [...line.matchAll(DOCUMENT)].flatMap(([cited, path = '', anchor]) => {
    const file = places(from, path).find((place) => known.files.has(place))
    if (file === undefined) return STANDS_FOR.test(path) ? [] : [cited]
    return anchor === undefined || known.anchors(file).has(anchor) ? [] : [cited]
  })
}

const places = (from: string, path: string): readonly string[] => {
  const folder = from.endsWith('.md') ? from.split('/').slice(0, -1) : []
  const parts: string[] = [...folder]
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return [parts.join('/'), path]
}

/** A file of code may be named by the end of its path; a folder is named from the root. */
function code(from: string, line: string, known: Known): readonly string[] {
  const files = [...line.matchAll(CODE)].map(([, path = '']) => path)
  const folders = [...line.matchAll(FOLDER)].map(([, path = '']) => path)
  const ends = (path: string) => path.replace(/^(?:\.{1,2}\/)+/, '')
  const all = [...known.files]
  return [
    ...files.filter((path) => !all.some((file) => `/${file}`.endsWith(`/${ends(path)}`))),
    ...folders.filter((path) => !all.some((file) => file.startsWith(`${path}/`) || file === path)),
  ].filter((path) => path !== from && !STANDS_FOR.test(path))
}
