import { nearest } from '../floor/nearest.ts'
import {
  type Entry,
  type Mistake,
  type Node,
  type Place,
  quote,
  type RecordNode,
  textNode,
} from './node.ts'
import { envName } from './setting.ts'
import { BY_KEY, SHORT } from './settings.ts'
import { parseYaml } from './yaml.ts'

/** The group that may be a list instead: several wallets. A layer keeps the list under this key. */
export const WALLET_LIST = 'wallet'

/** The settings that one source contains, by key. Later layers outrank earlier ones. */
export type Layer = Map<string, Node>

export interface Said {
  readonly layer: Layer
  readonly mistakes: Mistake[]
}

const GROUPS = new Set(
  [...BY_KEY.keys()].flatMap((key) => {
    const parts = key.split('.')
    return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'))
  }),
)

/** The settings of a config file. */
export function fromFile(root: Node | null): Said {
  const said: Said = { layer: new Map(), mistakes: [] }
  if (root === null || root.is === 'nothing') return said
  if (root.is === 'record') addGroup(root, '', said)
  else
    said.mistakes.push({
      at: root.at,
      what: 'a config is a list of settings with their values, for example port: 3000',
    })
  return said
}

/** Adds the entries of a group to the layer of `said`. What is no setting is a mistake. */
export function addGroup(group: RecordNode, prefix: string, said: Said): void {
  for (const entry of group.entries) {
    const key = `${prefix}${entry.key}`
    if (entry.key.includes('.')) said.mistakes.push(dottedKey(key, entry.at))
    else add(key, entry, said)
  }
}

function add(key: string, { at, value }: Entry, said: Said): void {
  if (BY_KEY.has(key)) {
    if (value.is !== 'nothing') said.layer.set(key, value)
  } else if (GROUPS.has(key)) addToGroup(key, value, said)
  else said.mistakes.push(unknownKey(key, at))
}

const unknownKey = (key: string, at: Place): Mistake => ({
  at,
  what: `there is no setting ${quote(key)}${meantKey(key)}`,
})

/**
 * A dotted key is a mistake: the same setting could also stand in its group, and nobody would see
 * which one counts.
 */
function dottedKey(key: string, at: Place): Mistake {
  const row = BY_KEY.get(key)
  if (row === undefined) return unknownKey(key, at)
  return { at, what: `${quote(key)} has to be written as ${written(key, row.example)}` }
}

function addToGroup(key: string, value: Node, said: Said): void {
  const short = SHORT.get(key)
  if (value.is === 'record') addGroup(value, `${key}.`, said)
  else if (value.is === 'list' && key === WALLET_LIST) said.layer.set(WALLET_LIST, value)
  else if (value.is === 'text' && short !== undefined) said.layer.set(short, value)
  else if (value.is !== 'nothing') {
    const first = [...BY_KEY].find(([name]) => name.startsWith(`${key}.`))
    const example =
      first === undefined ? '' : `; for example ${written(first[0], first[1].example)}`
    said.mistakes.push({
      at: value.at,
      what: `${key} is a group of settings and has no value of its own${example}`,
    })
  }
}

/** `pricing: { default: 1 }` */
const written = (key: string, value: string): string => {
  const [last = '', ...before] = key.split('.').reverse()
  return before.reduce((inner, name) => `${name}: { ${inner} }`, `${last}: ${value}`)
}

/**
 * The most similar key in the same group, otherwise in any group, because people forget the group.
 */
function meantKey(key: string): string {
  const cut = key.lastIndexOf('.') + 1
  const group = key.slice(0, cut)
  const siblings = new Set<string>()
  const others = new Map<string, string>()
  for (const name of [...BY_KEY.keys(), ...GROUPS]) {
    if (name.startsWith(group)) siblings.add(name.slice(cut).split('.')[0] ?? '')
    others.set(name.slice(name.lastIndexOf('.') + 1), name)
  }
  const sibling = nearest(key.slice(cut), siblings)
  if (sibling !== null) return `; did you mean ${sibling}?${exampleOf(group, sibling)}`
  const name = others.get(nearest(key.slice(cut), others.keys()) ?? '')
  if (name === undefined) return ''
  const row = BY_KEY.get(name)
  return `; did you mean ${row === undefined ? name : written(name, row.example)}?`
}

function exampleOf(group: string, sibling: string): string {
  const row = BY_KEY.get(`${group}${sibling}`)
  return row === undefined ? '' : ` For example ${sibling}: ${row.example}`
}

const BY_ENV: ReadonlyMap<string, string> = new Map(
  [...GROUPS, ...BY_KEY.keys()].map((key) => [envName(key), key]),
)

type Env = Readonly<Record<string, string | undefined>>

/** The settings from the environment. `unknownNames` looks at all other names later. */
export function fromEnv(env: Env, folder: string): Said {
  const said: Said = { layer: new Map(), mistakes: [] }
  for (const [name, key] of BY_ENV) {
    const text = Object.hasOwn(env, name) ? env[name] : undefined
    if (text === undefined || text === '') continue
    const at: Place = { layer: 'env', name, folder }
    const structured = GROUPS.has(key) || BY_KEY.get(key)?.structured === true
    const value = structured ? structuredNode(text, at, said) : textNode(text, at)
    if (value !== null) add(key, { key, at, value }, said)
  }
  return said
}

/**
 * Names that begin with `SATGATE_` and are no setting. A typing mistake there would otherwise go
 * unnoticed.
 */
export function unknownNames(env: Env, named: ReadonlySet<string>, folder: string): Mistake[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('SATGATE_') && !BY_ENV.has(name) && !named.has(name))
    .sort()
    .map((name) => {
      // The common prefix is left out: with it, every name would be similar to every other one.
      const own = (full: string) => full.slice('SATGATE_'.length)
      const near = nearest(own(name), [...BY_ENV.keys()].map(own))
      const meant =
        near === null ? 'satgate config lists the settings' : `did you mean SATGATE_${near}?`
      return { at: { layer: 'env', name, folder }, what: `no setting has this name; ${meant}` }
    })
}

/** Reads text that begins with `[` or `{` as YAML. Returns null if it cannot be read. */
export function structuredNode(text: string, at: Place, said: Said): Node | null {
  if (!/^\s*[[{]/.test(text)) return textNode(text, at)
  const { root, mistakes } = parseYaml(text, at)
  said.mistakes.push(...mistakes)
  return root
}
