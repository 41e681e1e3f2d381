/**
 * Finds references in comments, test titles and documents, and those that lead nowhere. Pure: files
 * are given as text, so a test can show that each rule fails.
 */

/** A file of the tree: its path from the root with `/`, and its text. */
export interface Source {
  readonly path: string
  readonly text: string
}

/** What references may point to. */
export interface Known {
  /** The ids of all threats. */
  readonly threats: ReadonlySet<string>
  /** The numbers of all files in `docs/adr`. */
  readonly adrs: ReadonlySet<number>
  /** The specifications that `docs/wire.md` lists with an address, such as `NUT-04` and `RFC 9110`. */
  readonly specs: ReadonlySet<string>
  /** Paths of all files of the repository. */
  readonly files: ReadonlySet<string>
  /** The anchors of a document. */
  readonly anchors: (path: string) => ReadonlySet<string>
}

/** The id of a threat. It must not be a part of a name, a path, a number or a longer word. */
const THREAT = /(?<![\w./#-])[A-L]\d{1,2}(?![\w-]|\.\d)/g
const ADR = /\bADR (\d+)\b/g
const SPEC = /\b(?:NUT|LUD|BIP|b?BLIP|bLIP|BOLT|RFC|NIP|EIP|UAX)[- ]?#?\d+\b/g
const DOCUMENT = /(?<![\w/.:-])([\w./-]+\.md)(?:#([\w-]+))?/g
const CODE = /(?<![\w/.:@*-])([\w.][\w./-]*\.(?:ts|mts|mjs))\b/g
const FOLDER =
  /(?<![\w/.:@*-])((?:src|test|scripts|bench|examples|docs)\/[\w-]+(?:\/[\w-]+)*)\/?(?![\w/.*-])/g
/** A path with a word in capitals is an example; `dist/` is made by a build. */
const STANDS_FOR = /(?:^|\/)[A-Z]{2,}(?:\/|\.md$|$)|^dist\//
/** Words for documents that are not in this repository. */
const ELSEWHERE =
  /\bDESIGN\b|\bdesign: |\bshared\/design\b|\breal parts\b|\b(?:wire facts?|surface|seams?|style(?: rule)?) \d/g

/** The ids in the tables of threats. A row under `Not built yet` is reserved. */
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

/**
 * The lines that people read: the comments of code, and the titles of tests; all of a document
 * except code blocks.
 */
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

/** Replaces fenced blocks by empty lines, so that line numbers do not change. */
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

/** A document may name a path from its own folder or from the root. Other files name it from the root. */
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

/** A file of code may be named by the end of its path. A folder is named from the root. */
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
