import { nearest } from '../floor/nearest.ts'
import { splitModelPrice } from '../money/parse.ts'
import { type Said, structuredNode } from './layers.ts'
import { type Entry, type Mistake, type Node, type Place, quote, textNode } from './node.ts'
import { type Flag, noEffectYet } from './setting.ts'
import { BY_KEY } from './settings.ts'

/** A flag as commander needs it, and the setting that it sets. */
export interface FlagRow {
  readonly flag: Flag
  readonly key: string
  readonly doc: string
  readonly later: boolean
  /** Whether there is a `--no-…` form too. */
  readonly negatable: boolean
  /** The name that commander keeps its value under: `modelPrice`. */
  readonly attribute: string
}

const attributeOf = (name: string): string =>
  name.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

/** Every flag that sets a setting, in the order of the table. */
export const flagsTable: readonly FlagRow[] = [...BY_KEY].flatMap(([key, row]) =>
  row.flag === undefined
    ? []
    : [
        {
          flag: row.flag,
          key,
          doc: row.doc,
          later: row.later === noEffectYet,
          negatable: row.flag.kind === 'switch' && row.flag.means === undefined,
          attribute: attributeOf(row.flag.name),
        },
      ],
)

/**
 * Values by the names that commander uses: a text, true or false, or a list of texts if the flag
 * can be repeated.
 */
export type FlagValues = Readonly<Record<string, unknown>>

/**
 * The settings from the command line. `config` only says where the file is, so it is not among
 * them.
 */
export function fromFlags(flags: FlagValues, folder: string): Said {
  const said: Said = { layer: new Map(), mistakes: [] }
  for (const [attribute, value] of Object.entries(flags)) {
    if (value === undefined || attribute === 'config') continue
    const row = flagsTable.find((one) => one.attribute === attribute)
    if (row !== undefined)
      addFlag(row, value, { said, at: { layer: 'flag', name: row.flag.name, folder } })
    else said.mistakes.push(unknownFlag(attribute, folder))
  }
  return said
}

function unknownFlag(attribute: string, folder: string): Mistake {
  const name = `--${attribute.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  const near = nearest(name, ['--config', ...flagsTable.map(({ flag }) => flag.name)])
  const what = `there is no such flag${near === null ? '' : `; did you mean ${near}?`}`
  return { at: { layer: 'flag', name, folder }, what }
}

interface To {
  readonly said: Said
  readonly at: Place
}

function addFlag(row: FlagRow, value: unknown, to: To): void {
  const node = flagNode(row, value, to)
  if (node !== null) to.said.layer.set(row.key, node)
}

function flagNode({ flag, key }: FlagRow, value: unknown, to: To): Node | null {
  const { said, at } = to
  switch (flag.kind) {
    case 'switch': {
      if (value !== false) return textNode(flag.means ?? 'true', at)
      return textNode('false', { ...at, name: `--no-${flag.name.slice(2)}` })
    }
    case 'pair':
      return { is: 'record', entries: pairs(Array.isArray(value) ? value : [value], to), at }
    case 'file':
      return {
        is: 'record',
        entries: [{ key: 'file', at, value: textNode(String(value), at) }],
        at,
      }
    case 'text': {
      const text = String(value)
      return BY_KEY.get(key)?.structured ? structuredNode(text, at, said) : textNode(text, at)
    }
  }
}

/** NAME=PRICE, each name once. */
function pairs(values: readonly unknown[], { said, at }: To): Entry[] {
  const entries: Entry[] = []
  for (const value of values) {
    const pair = splitModelPrice(String(value))
    if (!pair.ok) {
      said.mistakes.push({
        at,
        what: `${quote(String(value))} ${pair.error}; for example llama3=1/3`,
      })
      continue
    }
    const { name, price } = pair.value
    const node = structuredNode(price, at, said)
    if (entries.some(({ key }) => key === name)) {
      said.mistakes.push({ at, what: `${quote(name)} has two prices: leave one out` })
    } else if (node !== null) entries.push({ key: name, at, value: node })
  }
  return entries
}
