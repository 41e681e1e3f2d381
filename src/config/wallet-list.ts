import type { WalletSettings } from './config.ts'
import { addGroup, type Layer, type Said, WALLET_LIST } from './layers.ts'
import { type ListNode, type Mistake, type Node, type Place, quote } from './node.ts'
import type { Nodes } from './nodes.ts'
import type { Reading } from './reader.ts'
import { BY_KEY } from './settings.ts'
import { isPlay, type WalletSettingValues, walletOf } from './wallet-settings.ts'

/** The wallets of a list, and what was written for each setting, as `wallet[0].url`. */
export interface WalletListRead {
  readonly wallets: readonly WalletSettings[]
  readonly nodes: Nodes
}

/** What reading a list needs: the defaults, and the reader of all settings below `wallet.`. */
export interface ListParts {
  readonly reading: Reading
  readonly defaults: Layer
  readonly read: (nodes: Nodes, reading: Reading) => WalletSettingValues
}

/**
 * Reads `wallet: [lnd, { kind: ecash, mints: […] }]`. Each item is the name of a kind, or a record of
 * the settings below `wallet.`. Mistakes name the item, counted from 0: `wallet[1].url`.
 */
export function readWalletList(list: ListNode, parts: ListParts): WalletListRead {
  const { reading } = parts
  const items = list.items.map((item, index) => readItem(item, `${WALLET_LIST}[${index}]`, parts))
  const wallets = items.flatMap(({ wallet }) => (wallet === null ? [] : [wallet]))
  for (const what of contradictions(wallets, list)) reading.mistake(list.at, `wallet: ${what}`)
  return { wallets, nodes: new Map(items.flatMap(({ nodes }) => [...nodes])) }
}

function readItem(
  item: Node,
  name: string,
  { reading, defaults, read }: ListParts,
): { readonly wallet: WalletSettings | null; readonly nodes: Nodes } {
  const mistake = (at: Place, what: string) => reading.mistake(at, named(what, name))
  const own = { ...reading, mistake }
  const said = itemSaid(item)
  for (const { at, what } of said.mistakes) mistake(at, what)
  const kind = said.layer.get('wallet.kind')
  if (kind === undefined && said.mistakes.length === 0) {
    mistake(item.at, 'an item of the list names the kind of its wallet, for example kind: lnd')
  }
  if (kind === undefined || said.mistakes.length > 0) return { wallet: null, nodes: new Map() }
  const walletKind = kind.is === 'text' ? kind.text : null
  const standard = [...defaults].filter(([key]) => key.startsWith('wallet.'))
  const nodes = new Map([...standard, ...said.layer])
  const values = read(nodes, { ...own, walletKind })
  if (values['wallet.kind'] === undefined) return { wallet: null, nodes: new Map() }
  const wallet = walletOf(values, { nodes, reading: own })
  return { wallet, nodes: shown(nodes, wallet, name) }
}

function itemSaid(item: Node): Said {
  const said: Said = { layer: new Map(), mistakes: [] }
  if (item.is === 'record') addGroup(item, 'wallet.', said)
  else if (item.is === 'text') said.layer.set('wallet.kind', item)
  else said.mistakes.push(NO_WALLET(item.at))
  return said
}

const NO_WALLET = (at: Place): Mistake => ({
  at,
  what: 'write the kind of a wallet here (lnd), or its settings ({ kind: lnd, url: … })',
})

/** `wallet.url: …` becomes `wallet[1].url: …`. */
const named = (what: string, name: string): string =>
  /\bwallet\./.test(what) ? what.replace(/\bwallet\./, `${name}.`) : `${name}: ${what}`

/** What `satgate config` shows: the settings that this kind takes, in the order of the table. */
function shown(nodes: Nodes, wallet: WalletSettings | null, name: string): Nodes {
  const taken = new Set(['kind', ...Object.keys(wallet ?? {})])
  return new Map(
    [...BY_KEY.keys()].flatMap((key) => {
      const [group, own = ''] = key.split('.')
      const node = nodes.get(key)
      const shows = group === WALLET_LIST && taken.has(own) && node !== undefined
      return shows ? [[`${name}.${own}`, node] as const] : []
    }),
  )
}

/** Why these wallets cannot be in one list. */
function contradictions(wallets: readonly WalletSettings[], list: ListNode): readonly string[] {
  if (list.items.length === 0) return ['the list is empty: name at least one wallet']
  const found: string[] = []
  if (list.items.length > 1 && isPlay(wallets)) {
    found.push('play money cannot be in a list, because it is worth nothing: remove play')
  }
  if (wallets.filter(({ kind }) => kind === 'ecash').length > 1) {
    found.push('ecash is in the list twice: name all mints in one of them (mints: […])')
  }
  const seen = new Set<string>()
  for (const { kind, url, key } of wallets.filter((one) => one.kind !== 'ecash')) {
    const same = JSON.stringify([kind, url, key?.reveal()])
    if (seen.has(same)) found.push(`one and the same wallet (${kind}) is in the list twice`)
    seen.add(same)
  }
  return found
}

/**
 * What is left of a list if a later layer names one kind of wallet, as `--wallet lnd` does: the
 * wallets of that kind. Null if there are none.
 */
export function ofKind(list: ListNode, kind: string): ListNode | null {
  const items = list.items.filter((item) => {
    const node = itemSaid(item).layer.get('wallet.kind')
    return node?.is === 'text' && node.text === kind
  })
  return items.length === 0 ? null : { ...list, items }
}

/** The mistake of a setting such as `SATGATE_WALLET_URL` beside a list. */
export const besideList = (key: string, { at }: Node): Mistake => ({
  at,
  what: `${key}: has no effect beside a list of wallets: write it into the list (${quote(WALLET_LIST)})`,
})
