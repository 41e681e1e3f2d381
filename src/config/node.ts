import { onLine, printableJson } from '../floor/printable.ts'
/** What an operator wrote, wherever it was written, before it means anything. */
export type Node = TextNode | NothingNode | ListNode | RecordNode

/** A scalar as it was written: numbers stay text, so that prices are read exactly. */
export interface TextNode {
  readonly is: 'text'
  readonly text: string
  readonly at: Place
}

/** A key with nothing behind it, `null` or `~`: as good as not written. */
interface NothingNode {
  readonly is: 'nothing'
  readonly at: Place
}

interface ListNode {
  readonly is: 'list'
  readonly items: readonly Node[]
  readonly at: Place
}

/** Keys as a list, never as an object: `__proto__` is a name like any other. */
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

/** Where something was written: the layer, and the file, flag or variable by name. */
export interface Place {
  readonly layer: 'default' | 'file' | 'env' | 'flag'
  /** `satgate.yaml`, `--port`, `SATGATE_PORT`, `default`. */
  readonly name: string
  readonly line?: number
  readonly column?: number
  /** Relative paths written here start in this folder. */
  readonly folder: string
}

/** One thing that is wrong with the settings, where, and what would be right. */
export interface Mistake {
  readonly at: Place
  readonly what: string
}

/** `satgate.yaml:3:5`, or the name alone where there is no line. */
export const placeText = ({ name, line, column }: Place): string =>
  line === undefined ? onLine(name) : `${onLine(name)}:${line}:${column ?? 1}`

/** `satgate.yaml:3:5: what is wrong`, for people and for editors that jump to it. */
export const mistakeLine = ({ at, what }: Mistake): string => `${placeText(at)}: ${onLine(what)}`

export const textNode = (text: string, at: Place): TextNode => ({ is: 'text', text, at })

/** Somebody's text in a message: in quotes, short, on one line. */
export function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return printableJson(JSON.stringify(short))
}

/** What was written, on one line of YAML. */
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

/** What was written, as JSON: plain numbers and true or false as such. */
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
