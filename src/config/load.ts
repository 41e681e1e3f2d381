import { err, ok, type Result } from '../floor/result.ts'
import { assemble } from './assemble.ts'
import type { Config } from './config.ts'
import { type ReadFile, resolvePath, shownPath, utf8, whyUnreadable } from './files.ts'
import { type FlagValues, fromFlags } from './flags.ts'
import { fromEnv, fromFile, type Layer, type Said, unknownNames } from './layers.ts'
import { isOfWallet, merge } from './merge.ts'
import { type Mistake, type Node, type Place, placeText, quote, textNode } from './node.ts'
import type { Nodes } from './nodes.ts'
import type { Reading } from './reader.ts'
import { BY_KEY, type Values } from './settings.ts'
import { readWalletList } from './wallet-list.ts'
import { parseYaml } from './yaml.ts'

export interface LoadInput {
  /** Values by the names that commander uses (`modelPrice`). `config` names the file. */
  readonly flags: FlagValues
  readonly env: Readonly<Record<string, string | undefined>>
  /** An absolute path. */
  readonly cwd: string
  readonly home: string
  readonly readFile: ReadFile
}

export interface Loaded {
  readonly config: Config
  /** The config file that was read. Null if there was none. */
  readonly file: string | null
  /**
   * What was written for each setting that has a value, and where it was written, in the order of
   * the table.
   */
  readonly settings: ReadonlyMap<string, Node>
  /** Notes for stderr: settings without an effect yet, files that other users can read. */
  readonly notes: readonly string[]
}

/**
 * Makes the config of a run. Flags outrank the environment, the environment outranks the file, and
 * the file outranks the defaults. If there are mistakes, it returns all of them, and no config.
 */
export function load(input: LoadInput): Result<Loaded, readonly Mistake[]> {
  const found = findFile(input)
  const layers = [
    defaults(input.cwd),
    found.said,
    fromEnv(input.env, input.cwd),
    fromFlags(input.flags, input.cwd),
  ]
  const mistakes = layers.flatMap((said) => said.mistakes)
  // If a part of the input cannot be read at all, a setting that seems to be missing may stand in
  // it.
  const understood = mistakes.length === 0
  const notes: string[] = []
  const { nodes, list, unused } = merge(layers.map((said) => said.layer))
  mistakes.push(...unused)
  const wallet = nodes.get('wallet.kind')
  const reading: Reading = {
    ...input,
    walletKind: wallet?.is === 'text' ? wallet.text : null,
    named: new Set(),
    mistake: (at, what) => {
      mistakes.push({ at, what })
      return undefined
    },
    note: (at, what) => {
      notes.push(`${placeText(at)}: ${what}`)
    },
  }
  const values = readAll(nodes, reading)
  const standard = layers[0]?.layer ?? new Map()
  const wallets =
    list === null ? null : readWalletList(list, { reading, defaults: standard, read: readAll })
  mistakes.push(...unknownNames(input.env, reading.named, input.cwd))
  const assembling = { nodes, reading, list: wallets?.wallets ?? null }
  const config = understood ? assemble(values, assembling) : null
  if (config === null || mistakes.length > 0) return err(inOrder(mistakes))
  const settings = shown(nodes, { config, wallets: wallets?.nodes ?? null })
  return ok({ config, file: found.file, settings, notes })
}

/**
 * The value of each setting. In place of a wrong value the default is used, so that further
 * mistakes are found.
 */
function readAll(nodes: ReadonlyMap<string, Node>, reading: Reading): Values {
  const values: Record<string, unknown> = {}
  const fallbacks = defaults(reading.cwd).layer
  for (const [key, row] of BY_KEY) {
    const node = nodes.get(key)
    if (node === undefined) continue
    const explain = (at: Place, what: string): undefined => {
      // "did you mean ecash?" is the example.
      const example = what.endsWith('?') ? '' : `; for example ${row.example}`
      return reading.mistake(at, `${key}: ${what}${example}`)
    }
    const fallback = fallbacks.get(key)
    values[key] = row.read(node, { ...reading, mistake: explain })
    if (values[key] === undefined && fallback !== undefined) {
      values[key] = row.read(fallback, reading)
    }
    const later = row.later?.(node) ?? null
    if (later !== null) reading.note(node.at, `${key} ${later}`)
  }
  // Each row of the table has the type of its value, and a row with a default always has a value.
  return values as Values
}

function defaults(folder: string): Said {
  const at: Place = { layer: 'default', name: 'default', folder }
  const layer: Layer = new Map()
  for (const [key, { standard, structured }] of BY_KEY) {
    if (standard === null) continue
    const parsed = structured === true ? parseYaml(standard, at).root : null
    layer.set(key, parsed ?? textNode(standard, at))
  }
  return { layer, mistakes: [] }
}

/**
 * What was written for each setting. One default depends on another setting, and is replaced here;
 * so are the settings of a wallet if there is a list of wallets. A default that has no effect is left out.
 */
function shown(
  nodes: ReadonlyMap<string, Node>,
  { config, wallets }: { readonly config: Config; readonly wallets: Nodes | null },
): ReadonlyMap<string, Node> {
  return new Map(
    [...nodes].flatMap(([key, node]): [string, Node][] => {
      if (key === 'dataDir') return [[key, textNode(config.dataDir, node.at)]]
      if (node.at.layer === 'default' && isIdle(key, config)) return []
      if (wallets === null || !isOfWallet(key)) return [[key, node]]
      // The list stands where the first default of a wallet was.
      return key === FIRST_OF_WALLET ? [...wallets] : []
    }),
  )
}

/** Whether nothing looks at the setting, so that its default would only astonish. */
const isIdle = (key: string, { rails, wallets }: Config): boolean =>
  (key.startsWith('rails.x402.') && rails.x402 === null) ||
  (isOfWallet(key) && wallets.length === 0)

/** The first setting of a wallet that always has a value, its default. */
const FIRST_OF_WALLET = 'wallet.mints'

interface Found {
  readonly file: string | null
  readonly said: Said
}

const NOTHING: Said = { layer: new Map(), mistakes: [] }
const NAMES = ['satgate.yaml', 'satgate.json']

function findFile(input: LoadInput): Found {
  const named = input.flags.config
  if (typeof named === 'string') {
    const path = resolvePath(named, input.cwd, input.home)
    return readConfig(path, input) ?? missing(named, input)
  }
  for (const name of NAMES) {
    const found = readConfig(resolvePath(name, input.cwd, input.home), input)
    if (found !== null) return found
  }
  return misspelt(input) ?? { file: null, said: NOTHING }
}

/**
 * Finds a config file with a misspelt name. Nobody would read it, and the gate would sell at its
 * default prices.
 */
function misspelt({ cwd, home, readFile }: LoadInput): Found | null {
  const name = 'satgate.yml'
  try {
    readFile(resolvePath(name, cwd, home))
  } catch {
    return null
  }
  const at: Place = { layer: 'file', name, folder: cwd }
  const what =
    'satgate does not read a file of this name: rename it to satgate.yaml, or name it with --config'
  return { file: null, said: { layer: new Map(), mistakes: [{ at, what }] } }
}

function missing(named: string, { cwd, home }: LoadInput): Found {
  const at: Place = { layer: 'flag', name: '--config', folder: cwd }
  // The message has the whole path, because npm and services start programs in folders that nobody
  // expects.
  const path = resolvePath(named, cwd, home)
  const mistakes = [{ at, what: `there is no file ${quote(path)}` }]
  return { file: null, said: { layer: new Map(), mistakes } }
}

/** Null if there is no such file. A file that exists and cannot be read is a mistake. */
function readConfig(path: string, { readFile, cwd }: LoadInput): Found | null {
  const name = shownPath(path, cwd)
  const at: Place = {
    layer: 'file',
    name,
    line: 1,
    column: 1,
    folder: resolvePath('..', path, cwd),
  }
  const broken = (what: string): Found => ({
    file: name,
    said: { layer: new Map(), mistakes: [{ at, what }] },
  })
  let bytes: Uint8Array
  try {
    bytes = readFile(path).bytes
  } catch (cause) {
    const why = whyUnreadable(cause)
    return why === 'is not there' ? null : broken(`the file ${why}`)
  }
  const text = utf8(bytes)
  if (text === null) return broken('the file is not text in UTF-8: save it as UTF-8')
  const { root, mistakes } = parseYaml(text, at)
  const said = fromFile(root)
  return { file: name, said: { layer: said.layer, mistakes: [...mistakes, ...said.mistakes] } }
}

const RANK = { default: 0, file: 1, env: 2, flag: 3 } as const

/**
 * Sorts mistakes: first those in the file from top to bottom, then the environment, then the
 * command line.
 */
const inOrder = (mistakes: readonly Mistake[]): readonly Mistake[] =>
  [...mistakes].sort(
    ({ at: a }, { at: b }) =>
      RANK[a.layer] - RANK[b.layer] ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  )
