/**
 * The rules that `test/tidy.test.ts` checks. Pure: files are given as text, so a test can show that
 * each rule fails.
 */

/** A file of the tree: its path from the root with `/`, and its text. */
export interface Source {
  readonly path: string
  readonly text: string
}

/** One import: in which file, of what, and whether it imports only types. */
export interface Import {
  readonly from: string
  /** A path from the root for a file of ours, otherwise the name of the package or module. */
  readonly to: string
  readonly typeOnly: boolean
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(type\s)?(?:[\w*\s{},$]*?\sfrom\s*)?'([^']+)'|import\(\s*'([^']+)'/g

/** All static and dynamic imports and re-exports of a file. */
export function importsOf({ path, text }: Source): readonly Import[] {
  return [...text.matchAll(IMPORT)].map(([, type, fixed, lazy]) => {
    const name = fixed ?? lazy ?? ''
    const to = name.startsWith('.') ? resolve(path, name) : name
    return { from: path, to, typeOnly: type !== undefined }
  })
}

function resolve(from: string, name: string): string {
  const parts = from.split('/').slice(0, -1)
  for (const part of name.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** The package of an import's name: `@noble/curves` of `@noble/curves/secp256k1.js`. */
function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Whether a path is that file, or in that folder (which ends with `/`). */
const within = (path: string, place: string): boolean =>
  place.endsWith('/') ? path.startsWith(place) : path === place

/** For each folder of ours, the other folders that it may import. */
export type Layers = Readonly<Record<string, readonly string[]>>

/** Imports that go against the direction. */
export function againstTheLayers(imports: readonly Import[], layers: Layers): readonly string[] {
  return imports.flatMap(({ from, to }) => {
    if (!within(to, 'src/')) return []
    const layer = Object.keys(layers).find((folder) => within(from, folder))
    if (layer === undefined) return [`${from} is in no layer`]
    const allowed = [layer, ...(layers[layer] ?? [])].some((place) => within(to, place))
    return allowed ? [] : [`${from} imports ${to}`]
  })
}

/**
 * Files that import each other in a circle, also where only types are imported, and folders that do:
 * the rooms of `src`, and the folders beside each other in a room. A folder and the files right above
 * it are one thing, and make no circle.
 */
export function circles(imports: readonly Import[]): readonly string[] {
  const ours = imports.filter(({ from, to }) => within(from, 'src/') && within(to, 'src/'))
  const folders = ours.flatMap(({ from, to }) => {
    const [a, b] = [from.split('/').slice(0, -1), to.split('/').slice(0, -1)]
    const apart = a.findIndex((name, i) => name !== b[i])
    if (apart === -1 || apart >= b.length) return []
    return [[a, b].map((path) => path.slice(0, apart + 1).join('/'))]
  })
  return [...circlesOf(ours.map(({ from, to }) => [from, to])), ...circlesOf(folders)]
}

/** The strongly connected parts of a graph that have more than one node (Tarjan). */
function circlesOf(arrows: readonly (readonly string[])[]): readonly string[] {
  const next = new Map<string, Set<string>>()
  for (const [from = '', to = ''] of arrows) {
    next.set(from, (next.get(from) ?? new Set()).add(to))
  }
  const order = new Map<string, number>()
  const stack: string[] = []
  const found: string[] = []
  const visit = (node: string): number => {
    const mine = order.size
    order.set(node, mine)
    stack.push(node)
    let lowest = mine
    for (const to of next.get(node) ?? []) {
      if (!order.has(to)) lowest = Math.min(lowest, visit(to))
      else if (stack.includes(to)) lowest = Math.min(lowest, order.get(to) ?? mine)
    }
    if (lowest < mine) return lowest
    const circle = stack.splice(stack.indexOf(node))
    if (circle.length > 1) found.push(circle.sort().join(', '))
    return lowest
  }
  for (const node of next.keys()) if (!order.has(node)) visit(node)
  return found.sort()
}

/** Adapters that import each other. An adapter is a file; files that adapters share are not adapters. */
export function acquainted(
  imports: readonly Import[],
  adapters: readonly string[],
): readonly string[] {
  return imports
    .filter(({ from, to }) => from !== to && adapters.includes(from) && adapters.includes(to))
    .map(({ from, to }) => `${from} imports ${to}`)
}

/** Packages and modules that are imported outside of their place, or nowhere. */
export function keysLent(
  imports: readonly Import[],
  keepers: Readonly<Record<string, readonly string[]>>,
): readonly string[] {
  const lent = imports.flatMap(({ from, to }) => {
    if (within(to, 'src/') || within(to, 'bin/')) return []
    const name = packageOf(to)
    const places = keepers[name]
    if (places === undefined) return name.startsWith('node:') ? [] : [`${from}: nobody keeps ${to}`]
    return places.some((place) => within(from, place)) ? [] : [`${from} imports ${to}`]
  })
  const seen = new Set(imports.map(({ to }) => packageOf(to)))
  const idle = Object.keys(keepers).filter((name) => !seen.has(name))
  return [...lent, ...idle.map((name) => `nobody imports ${name}`)]
}

/** The clock and the randomness of the machine. Code gets a `World` instead. */
const CLOCK: readonly RegExp[] = [
  /\bDate\.now\b/,
  /\bnew Date\(\)/,
  /\bperformance\.now\b/,
  /\bprocess\.hrtime\b/,
  /\bMath\.random\b/,
]

/** The timers of the machine. Only the page for buyers uses them directly. */
const TIMERS: readonly RegExp[] = [
  /\b(?:set|clear)(?:Timeout|Interval|Immediate)\b/,
  /\bnode:timers\b/,
  /\bAbortSignal\.timeout\b/,
]

/** Randomness, environment and console. Only the command line uses them directly. */
const TAKEN: readonly RegExp[] = [
  ...CLOCK,
  /\bprocess\.(?!(?:nextTick|platform|execPath)\b)\w+/,
  /\b(?:randomBytes|randomUUID|randomInt|getRandomValues|randomFillSync)\b/,
  /\bconsole\.\w+/,
]

/** The text without comments; the contents of strings stay. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[\s;{(,])\/\/[^\n]*/g, '$1')

/** The uses of clock, randomness, environment and console in this file. */
export const taken = (source: Source): readonly string[] => foundIn(source, TAKEN)

/** Only clock and timers. */
export const takesTime = (source: Source): readonly string[] =>
  foundIn(source, [...CLOCK, ...TIMERS])

function foundIn({ path, text }: Source, patterns: readonly RegExp[]): readonly string[] {
  const code = withoutComments(text)
  return patterns.flatMap((pattern) => {
    const found = pattern.exec(code)?.[0]
    return found === undefined ? [] : [`${path}: ${found}`]
  })
}

/** Files with more than `most` lines. */
export function tooLong(sources: readonly Source[], most: number): readonly string[] {
  return sources.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    return lines > most ? [`${path}: ${lines} lines`] : []
  })
}

/** Paths of one person's machine, and marks of unfinished work. Tests use `/home/op`. */
const LEFT_BEHIND =
  /\/(?:home|Users|root|work)\/(?!op\b)[\w.-]+|[A-Z]:\\Users\\|\b(?:TODO|FIXME|XXX)\b/

export function leftBehind(source: Source): readonly string[] {
  return linesWith(LEFT_BEHIND, source)
}

function linesWith(sign: RegExp, { path, text }: Source): readonly string[] {
  return text.split('\n').flatMap((line, i) => {
    const found = sign.exec(line)?.[0]
    return found === undefined ? [] : [`${path}:${i + 1}: ${found}`]
  })
}

/** Files that no chain of imports reaches from the given files. */
export function unreached(sources: readonly Source[], from: readonly string[]): readonly string[] {
  const texts = new Map(sources.map((source) => [source.path, source]))
  const reached = new Set<string>()
  const next = [...from]
  for (let path = next.pop(); path !== undefined; path = next.pop()) {
    const source = texts.get(path)
    if (source === undefined || reached.has(path)) continue
    reached.add(path)
    next.push(...importsOf(source).map(({ to }) => to))
  }
  return [...texts.keys()].filter((path) => !reached.has(path))
}

/** `/** … *\/` and the code from the next line on, to a blank line. */
const DOCUMENTED = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n((?:[ \t]*\S.*(?:\n|$))+)/g
/** A sentence about a thing that it names: `` `drop` is called … ``, `` `few`: … ``. */
const ABOUT = /(?:^|[.:;] )`([a-z]\w*)`(?=:| (?:is|are|gets|bounds)\b)/g

/**
 * Comments of declarations that speak of something that is not in the declaration. Such a comment
 * is about another one, or about a parameter that has another name by now.
 */
export function astray({ path, text }: Source): readonly string[] {
  return [...text.matchAll(DOCUMENTED)].flatMap(([, comment = '', code = '']) => {
    const says = comment
      .replace(/\n\s*\*/g, ' ')
      .replace(/\s+/g, ' ')
      .trim()
    return [...says.matchAll(ABOUT)]
      .map(([, name = '']) => name)
      .filter((name) => !new RegExp(`\\b${name}\\b`).test(code))
      .map((name) => `${path}: nothing below is ${name}: ${says.slice(0, 60)}`)
  })
}

/**
 * The string literals of an exported type, for example `'held'` in `type HoldRefused = … why:
 * 'held'`.
 */
export function literalsOf(text: string, type: string): readonly string[] {
  const start = text.search(new RegExp(`export type ${type}\\b`))
  if (start === -1) return []
  const rest = withoutComments(text.slice(start))
  const end = rest.search(/\n\n|\nexport /)
  const body = end === -1 ? rest : rest.slice(0, end)
  return [...new Set([...body.matchAll(/'([a-z_]+)'/g)].map(([, literal]) => literal ?? ''))]
}

/** The part of a Markdown text under the heading that names this in code. */
export function sectionOf(text: string, name: string): string {
  const [, ...sections] = text.split(/^(?=#+ )/m)
  return sections.find((section) => section.split('\n', 1)[0]?.includes(`\`${name}\``)) ?? ''
}

/** Literals that the text does not name in code, or names in another order. */
export function outOfOrder(text: string, literals: readonly string[]): readonly string[] {
  let from = 0
  return literals.filter((literal) => {
    const at = text.indexOf(`\`${literal}\``, from)
    if (at !== -1) from = at
    return at === -1
  })
}
