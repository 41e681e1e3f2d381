import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type YAMLMap,
} from 'yaml'
import { type Entry, type Mistake, type Node, type Place, placeText, quote } from './node.ts'

/** A config file is small. A larger file is something else, or an attack. */
const MOST_CHARACTERS = 256 * 1024
const MOST_NODES = 10_000
const MOST_ALIASES = 100
const DEEPEST = 12

export interface Parsed {
  /** Null if the text is empty, or cannot be read at all. */
  readonly root: Node | null
  readonly mistakes: readonly Mistake[]
}

/**
 * Reads YAML, and so also JSON, into nodes that know their line and column. It reports all mistakes
 * at once: wrong syntax, a key that is written twice, a tag, too much text, too many levels, an
 * alias that contains itself. It never throws.
 */
export function parseYaml(text: string, place: Place): Parsed {
  if (text.length > MOST_CHARACTERS) return only(place, 'the config is too large: 256 kb at most')
  try {
    return parse(text, place)
  } catch (cause) {
    if (cause instanceof RangeError) return only(place, 'is nested too deeply')
    throw cause
  }
}

const only = (place: Place, what: string): Parsed => ({
  root: null,
  mistakes: [{ at: { ...place, ...(place.layer === 'file' && { line: 1, column: 1 }) }, what }],
})

function parse(text: string, place: Place): Parsed {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    // Our own walk finds duplicate keys. The library compares every key with every other one, which
    // is slow.
    uniqueKeys: false,
    prettyErrors: false,
    // A lower level would also hide the warning about a second document, which nobody would read.
    logLevel: 'error',
    schema: 'core',
  })
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return place.layer === 'file' ? { ...place, line: line || 1, column: col || 1 } : place
  }
  const wrong = [...document.errors, ...document.warnings].slice(0, 20)
  if (wrong.length > 0) {
    const mistakes = wrong.map(({ pos, message }) => ({
      at: placeAt(pos[0]),
      what: `this is not YAML: ${firstLine(message)}. ${LOOK}`,
    }))
    return { root: null, mistakes: firstOfEachLine(mistakes) }
  }
  return new Walk(document, placeAt).result()
}

const LOOK = 'Look at the indentation, colons and brackets of this line and of the line before'

/**
 * The library often reports several mistakes for one slip, so only the first one of each line is
 * kept.
 */
const firstOfEachLine = <M extends { at: Place }>(mistakes: readonly M[]): M[] => {
  const lineOf = ({ at }: M) => (at.layer === 'file' ? at.line : 0)
  return mistakes.filter(
    (one, index) => mistakes.findIndex((m) => lineOf(m) === lineOf(one)) === index,
  )
}

const firstLine = (message: string): string => (message.split('\n')[0] ?? '').slice(0, 200)

/** Ends the walk, because the text is too large to be a config. */
class TooMuch extends Error {}

class Walk {
  readonly #document: Document
  readonly #placeAt: (offset: number) => Place
  readonly #mistakes: Mistake[] = []
  #nodes = 0
  #aliases = 0

  constructor(document: Document, placeAt: (offset: number) => Place) {
    this.#document = document
    this.#placeAt = placeAt
  }

  result(): Parsed {
    const contents = this.#document.contents
    if (contents === null) return { root: null, mistakes: [] }
    try {
      return { root: this.#node(contents, 0), mistakes: this.#mistakes }
    } catch (cause) {
      if (!(cause instanceof TooMuch)) throw cause
      return { root: null, mistakes: this.#mistakes }
    }
  }

  #node(node: unknown, depth: number): Node {
    const at = this.#placeOf(node)
    this.#nodes += 1
    if (this.#nodes > MOST_NODES) this.#stop(at, 'has too many values for a config')
    if (depth > DEEPEST) this.#stop(at, 'is nested too deeply')
    if (isAlias(node)) return this.#alias(node, at, depth)
    if (isMap(node)) return { is: 'record', entries: this.#entries(node, depth), at }
    if (isSeq(node)) {
      return { is: 'list', items: node.items.map((item) => this.#node(item, depth + 1)), at }
    }
    if (!isScalar(node) || node.value === null) return { is: 'nothing', at }
    if (node.tag !== undefined)
      this.#mistake(at, 'a tag (!…) is not allowed in a config: remove it')
    return { is: 'text', text: node.source ?? String(node.value), at }
  }

  #alias(node: Alias, at: Place, depth: number): Node {
    this.#aliases += 1
    if (this.#aliases > MOST_ALIASES) this.#stop(at, 'has too many aliases for a config')
    const target = node.resolve(this.#document)
    if (target === undefined) this.#stop(at, `there is no anchor ${quote(node.source)}`)
    return this.#node(target, depth + 1)
  }

  #entries(map: YAMLMap, depth: number): Entry[] {
    const seen = new Map<string, Place>()
    const entries: Entry[] = []
    for (const pair of map.items) {
      if (!isPair(pair)) continue
      const at = this.#placeOf(pair.key)
      if (!isScalar(pair.key)) {
        this.#mistake(at, 'a key has to be text')
        continue
      }
      const key = pair.key.source ?? String(pair.key.value)
      const before = seen.get(key)
      if (before !== undefined) {
        this.#mistake(
          at,
          `the key ${quote(key)} stands here a second time; the first is at ${placeText(before)}`,
        )
        continue
      }
      seen.set(key, at)
      const value: Node =
        pair.value === null ? { is: 'nothing', at } : this.#node(pair.value, depth + 1)
      entries.push({ key, at, value })
    }
    return entries
  }

  #placeOf(node: unknown): Place {
    const range = (node as { range?: readonly number[] | null } | null)?.range
    return this.#placeAt(range?.[0] ?? 0)
  }

  #mistake(at: Place, what: string): void {
    this.#mistakes.push({ at, what })
  }

  #stop(at: Place, what: string): never {
    this.#mistake(at, what)
    throw new TooMuch()
  }
}
