import { onLine, printableJson } from '../floor/printable.ts'
import type { Loaded } from './load.ts'
import { flow, type Node, placeText, textNode, toJson } from './node.ts'
import { BY_KEY } from './settings.ts'

/** A line of `satgate config`. */
interface Row {
  readonly key: string
  readonly node: Node
}

/** Key, value and origin of every setting that has a value, as a table for people. */
export function printConfig(loaded: Loaded): string {
  const lines = rows(loaded).map(
    ({ key, node }) => [onLine(key), flow(node), originOf(node)] as const,
  )
  const [first, second] = [0, 1].map((column) =>
    Math.min(60, Math.max(...lines.map((line) => line[column]?.length ?? 0))),
  )
  return lines
    .map(
      ([key, value, from]) => `${key.padEnd(first ?? 0)}  ${value.padEnd(second ?? 0)}  ${from}\n`,
    )
    .join('')
}

/** The same as JSON: `{ "port": { "value": 3000, "from": "default" }, … }`. */
export function configJson(loaded: Loaded): string {
  const settings = rows(loaded).map(({ key, node }) => [
    key,
    { value: toJson(node), from: originOf(node) },
  ])
  return `${printableJson(JSON.stringify(Object.fromEntries(settings), null, 2))}\n`
}

/** Model prices come from several places, so each has a line of its own. */
function rows(loaded: Loaded): Row[] {
  return [...loaded.settings].flatMap(([key, node]) => {
    if (key === 'pricing.models' && node.is === 'record') {
      return node.entries.map((entry) => ({ key: `${key}.${entry.key}`, node: entry.value }))
    }
    // These texts are public, so they are not masked.
    if (key.startsWith('operator.')) return [{ key, node }]
    if (key === 'rails.x402.facilitator') return [{ key, node: maskFacilitator(node) }]
    return [{ key, node: isSecret(key) ? maskSecret(node) : maskKeys(node) }]
  })
}

/** Also of a wallet in a list: `wallet[1].key`. */
const isSecret = (key: string): boolean => BY_KEY.get(key.replace(/\[\d+\]/, ''))?.secret === true

const originOf = ({ at }: Node): string => placeText(at)

const MASK = '••••'

/** `•••• (from env LND_MACAROON)`: says where a secret comes from, and nothing of its value. */
function maskSecret(node: Node): Node {
  const entry = node.is === 'record' ? node.entries[0] : undefined
  const from =
    entry?.value.is === 'text' ? `${entry.key} ${entry.value.text}` : `env ${node.at.name}`
  return textNode(`${MASK} (from ${from})`, node.at)
}

/**
 * Masks keys of backends. They may stand inside a list from the environment, or in the query of a
 * URL.
 */
function maskKeys(node: Node): Node {
  if (node.is === 'text') return textNode(withoutValues(node.text), node.at)
  if (node.is === 'list') return { ...node, items: node.items.map(maskKeys) }
  if (node.is !== 'record') return node
  const entries = node.entries.map((entry) => {
    const hide = entry.key === 'key' && entry.value.is === 'text'
    return { ...entry, value: hide ? textNode(MASK, entry.value.at) : maskKeys(entry.value) }
  })
  return { ...node, entries }
}

/** Masks what a facilitator is shown, and the path of a node, in which providers expect their key. */
function maskFacilitator(node: Node): Node {
  if (node.is !== 'record') return maskKeys(node)
  const entries = node.entries.map(({ value, ...entry }) => ({
    ...entry,
    value:
      entry.key === 'headers' ? maskTexts(value) : entry.key === 'rpc' ? maskPath(value) : value,
  }))
  return maskKeys({ ...node, entries })
}

function maskTexts(node: Node): Node {
  if (node.is !== 'record') return textNode(MASK, node.at)
  const hidden = ({ at, is }: Node) => (is === 'text' ? textNode(MASK, at) : null)
  const entries = node.entries.map((entry) => ({
    ...entry,
    value: hidden(entry.value) ?? entry.value,
  }))
  return { ...node, entries }
}

const maskPath = (node: Node): Node =>
  node.is === 'text'
    ? textNode(node.text.replace(/^(https?:\/\/[^/?]*)[/?].+$/i, `$1/${MASK}`), node.at)
    : node

/** Removes the values of the query of a URL, because some providers expect their key there. */
const withoutValues = (text: string): string =>
  text.replace(/^(https?:\/\/[^?]*\?)(.*)$/i, (_, address: string, query: string) =>
    query.includes('=') ? `${address}${query.replace(/=[^&]*/g, `=${MASK}`)}` : address + MASK,
  )
