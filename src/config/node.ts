import { onLine, printableJson } from '../floor/printable.ts'
/** What an operator wrote for a setting, in any of the sources, before it is checked. */
export type Node = TextNode | NothingNode | ListNode | RecordNode

/** A single value as it was written. Numbers stay text, so that prices are read exactly. */
export interface TextNode {
  readonly is: 'text'
  readonly text: string
  readonly at: Place
}

/** A key without a value, or with `null` or `~`. It counts as not written. */
interface NothingNode {
  readonly is: 'nothing'
  readonly at: Place
}

export interface ListNode {
  readonly is: 'list'
  readonly items: readonly Node[]
  readonly at: Place
}

/** The keys are a list and not an object, because a key may be called `__proto__`. */
export interface RecordNode {
  readonly is: 'record'
  readonly entries: readonly Entry[]
  readonly at: Place
}

export interface Entry {
  readonly key: string
  /** Where the key stands. */
  readonly at: Place
  readonly value: Node
}

/** Where something was written: the layer, and the name of the file, flag or variable. */
export interface Place {
  readonly layer: 'default' | 'file' | 'env' | 'flag'
  /** `satgate.yaml`, `--port`, `SATGATE_PORT`, `default`. */
  readonly name: string
  readonly line?: number
  readonly column?: number
  /** Relative paths that are written here start in this folder. */
  readonly folder: string
}

/** One mistake in the settings: where it is, and what would be right. */
export interface Mistake {
  readonly at: Place
  readonly what: string
}

/** `satgate.yaml:3:5`, or only the name if there is no line. */
export const placeText = ({ name, line, column }: Place): string =>
  line === undefined ? onLine(name) : `${onLine(name)}:${line}:${column ?? 1}`

/** `satgate.yaml:3:5: what is wrong`, for people and for editors that jump to it. */
export const mistakeLine = ({ at, what }: Mistake): string => `${placeText(at)}: ${onLine(what)}`

export const textNode = (text: string, at: Place): TextNode => ({ is: 'text', text, at })

/** Quotes somebody's text for a message: on one line, and cut if it is long. */
export function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return printableJson(JSON.stringify(short))
}

/** Writes the node as one line of YAML. */
export function flow(node: Node): string {
  switch (node.is) {
    case 'nothing':
      return ''
    case 'text':
      return /^[\w.~/@%+•-][\w .:~/@%+*()•-]*$/.test(node.text) ? node.text : quote(node.text)
    case 'list':
      return `[${node.items.map(flow).join(', ')}]`
    case 'record':
      return `{ ${node.entries.map(({ key, value }) => `${onLine(key)}: ${flow(value)}`).join(', ')} }`
  }
}

/**
 * Turns the node into a JSON value. Plain numbers and `true` or `false` become numbers and
 * booleans.
 */
export function toJson(node: Node): unknown {
  switch (node.is) {
    case 'nothing':
      return null
    case 'text':
      if (node.text === 'true' || node.text === 'false') return node.text === 'true'
      return /^(0|[1-9]\d{0,14})(\.\d{1,9})?$/.test(node.text) ? Number(node.text) : node.text
    case 'list':
      return node.items.map(toJson)
    case 'record':
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, toJson(value)]))
  }
}
