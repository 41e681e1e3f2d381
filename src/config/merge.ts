import { type Layer, WALLET_LIST } from './layers.ts'
import type { ListNode, Mistake, Node, RecordNode } from './node.ts'
import { BY_KEY } from './settings.ts'
import { besideList, ofKind } from './wallet-list.ts'

/** All layers as one. */
export interface Merged {
  /** In the order of the table. Without those below `wallet.` that a list replaces. */
  readonly nodes: ReadonlyMap<string, Node>
  /** The list of wallets, if the settings have one. */
  readonly list: ListNode | null
  /** Settings of one wallet that stand beside the list. */
  readonly unused: readonly Mistake[]
}

/**
 * Merges the layers. Later layers outrank earlier ones, and the defaults come first. Model prices
 * are merged by name.
 */
export function merge(layers: readonly Layer[]): Merged {
  const merged = new Map<string, Node>()
  const standard: Layer = layers[0] ?? new Map()
  let list: ListNode | null = null
  const unused: Mistake[] = []
  for (const layer of layers) {
    const own = layer.get(WALLET_LIST)
    const kind = layer.get('wallet.kind')
    if (own?.is === 'list') list = own
    else if (list !== null && kind?.is === 'text') list = ofKind(list, kind.text)
    if (own?.is === 'list' || changesWallet(merged.get('wallet.kind'), kind)) {
      for (const key of [...merged.keys()]) if (isOfWallet(key)) merged.delete(key)
      // Callers rely on a value wherever the table has a default.
      for (const [key, node] of standard) if (isOfWallet(key)) merged.set(key, node)
    }
    for (const [key, node] of layer) {
      if (key === WALLET_LIST) continue
      const replaced = list !== null && isOfWallet(key)
      if (!replaced) merged.set(key, mergeNode(key, merged.get(key), node))
      else if (key !== 'wallet.kind') unused.push(besideList(key, node))
    }
  }
  const order = [...BY_KEY.keys()].flatMap((key) => {
    const node = merged.get(key)
    return node === undefined ? [] : [[key, node] as const]
  })
  return { nodes: new Map(order), list, unused }
}

/** Whether it is a setting of one wallet. */
export const isOfWallet = (key: string): boolean => key.startsWith('wallet.')

/**
 * For example, if the file describes a node and the command line says `--wallet play`, no setting
 * of that node counts any more.
 */
const changesWallet = (before: Node | undefined, after: Node | undefined): boolean =>
  before?.is === 'text' && after?.is === 'text' && before.text !== after.text

function mergeNode(key: string, before: Node | undefined, after: Node): Node {
  if (key !== 'pricing.models' || before?.is !== 'record' || after.is !== 'record') return after
  const kept = before.entries.filter((old) => !after.entries.some((entry) => entry.key === old.key))
  return { ...after, entries: [...kept, ...after.entries] } satisfies RecordNode
}
