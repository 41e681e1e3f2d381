import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ALLOWED, outliving } from './support/outliving.ts'
import {
  acquainted,
  againstTheLayers,
  astray,
  circles,
  importsOf,
  keysLent,
  type Layers,
  leftBehind,
  literalsOf,
  outOfOrder,
  type Source,
  sectionOf,
  taken,
  takesTime,
  tooLong,
  unreached,
} from './support/tidy.ts'

/** The architecture of `docs/architecture.md`, as rules over the tree. */

const ROOT = join(import.meta.dirname, '..')

const read = (path: string): Source => ({ path, text: readFileSync(join(ROOT, path), 'utf8') })

/** Files below a folder, by the end of their name. */
function files(folder: string, ...ends: readonly string[]): readonly string[] {
  const under = join(ROOT, folder)
  if (!existsSync(under)) return []
  return readdirSync(under, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile() && ends.some((end) => found.name.endsWith(end)))
    .map((found) => relative(ROOT, join(found.parentPath, found.name)).split(sep).join('/'))
    .filter((path) => !path.includes('node_modules/'))
    .sort()
}

/** Where the two programs start, the gate and the page in the browser. */
const STARTS = ['bin/satgate.ts', 'src/web/main.ts']

/** Programs for buyers, as text: what they import and print is theirs. */
const AS_TEXT = ['src/web/snippets.ts', 'src/web/paying-program.ts', 'src/http/paying-program.ts']
/** Holds a program of a few lines that another process runs. */
const FOR_A_CHILD = 'src/daemon/cloudflared.ts'

const product = [...files('src', '.ts'), ...files('bin', '.ts')].map(read)
const imports = product.filter(({ path }) => !AS_TEXT.includes(path)).flatMap(importsOf)

/** Contracts between the money and the world. Everybody may know them; they know no adapter. */
const PORTS = [
  'src/rails/rail.ts',
  'src/rails/lightning/invoicing.ts',
  'src/wallets/wallet.ts',
  'src/wallets/outgoing.ts',
  'src/wallets/receiver.ts',
  'src/dialects/dialect.ts',
]

const INNER = ['src/floor/', 'src/money/', 'src/ledger/', 'src/passes/']

/** Inside out: a folder imports itself and what stands here. */
const LAYERS: Layers = {
  'src/floor/': [],
  'src/outbound/': ['src/floor/'],
  'src/money/': ['src/floor/', 'src/outbound/'],
  'src/ledger/': ['src/floor/', 'src/money/'],
  // Of the ledger they see types, the rows of passes, and which passes have ended.
  'src/passes/': [
    'src/floor/',
    'src/money/',
    'src/ledger/ledger.ts',
    'src/ledger/passes.ts',
    'src/ledger/revocations.ts',
  ],
  // A rail may post nothing: of the ledger it sees types and the invoices it sold.
  'src/rails/': [
    'src/floor/',
    // To ask a facilitator.
    'src/outbound/',
    'src/money/',
    'src/ledger/ledger.ts',
    'src/ledger/deposit.ts',
    'src/ledger/invoices.ts',
    'src/ledger/passes.ts',
    'src/ledger/revocations.ts',
    'src/passes/',
    'src/wallets/wallet.ts',
    'src/wallets/receiver.ts',
    'src/wallets/wallet-list.ts',
  ],
  'src/wallets/': [
    'src/floor/',
    'src/outbound/',
    'src/money/',
    'src/ledger/ledger.ts',
    'src/ledger/invoices.ts',
  ],
  // Pays buyers back: knows the book and how a wallet pays, and neither a request nor an adapter.
  'src/withdrawals/': [
    'src/floor/',
    'src/money/',
    'src/ledger/ledger.ts',
    'src/ledger/withdrawals.ts',
    'src/wallets/wallet.ts',
    'src/wallets/outgoing.ts',
    'src/wallets/bolt11.ts',
  ],
  // What every dialect may need knows none of them.
  'src/dialects/kit/': ['src/floor/', 'src/money/', 'src/dialects/dialect.ts'],
  'src/dialects/openai/': [
    'src/floor/',
    'src/money/',
    'src/dialects/dialect.ts',
    'src/dialects/kit/',
  ],
  'src/dialects/': ['src/floor/', 'src/money/'],
  'src/toy/': ['src/floor/'],
  'src/gate/': [...INNER, ...PORTS, 'src/withdrawals/'],
  'src/http/': ['src/outbound/', ...INNER, ...PORTS, 'src/withdrawals/', 'src/gate/'],
  // Runs in a browser: a program of its own.
  'src/web/': [],
  // Late in the order because nobody inside may read it, not because it needs much. Of the wallets
  // it reads the table alone, which says what each kind takes; of the dialects the fields that pass
  // in none of them, so that naming one is a mistake with a line; of the rails the networks on which
  // dollars are taken.
  'src/config/': [
    'src/floor/',
    'src/money/',
    'src/wallets/kind.ts',
    'src/wallets/kinds.ts',
    'src/dialects/kit/never-passed.ts',
    'src/rails/x402/networks.ts',
  ],
  'src/daemon/': [
    'src/withdrawals/',
    'src/outbound/',
    'src/floor/',
    'src/money/',
    'src/ledger/',
    'src/passes/',
    'src/rails/',
    'src/wallets/',
    'src/withdrawals/',
    'src/dialects/',
    'src/gate/',
    'src/http/',
    'src/config/',
  ],
  'src/cli/': ['src/'],
  'bin/': ['src/cli/'],
}

const ADAPTERS = [
  'src/rails/l402.ts',
  'src/rails/cashu/cashu.ts',
  'src/wallets/play/play.ts',
  'src/wallets/lnd/lnd.ts',
  'src/wallets/lightning-address/lightning-address.ts',
  'src/wallets/ecash/ecash.ts',
  'src/dialects/openai/chat.ts',
  'src/dialects/openai/completions.ts',
  'src/dialects/openai/embeddings.ts',
]

/** One place for each outside thing: where it is to be exchanged, one place changes. */
const KEEPERS: Readonly<Record<string, readonly string[]>> = {
  hono: ['src/http/'],
  '@hono/node-server': ['src/http/'],
  undici: [
    'src/http/upstream-connections.ts',
    'src/http/upstream-exchange.ts',
    'src/outbound/transport.ts',
  ],
  'prom-client': ['src/http/metrics.ts'],
  qr: ['src/http/invoice-body.ts', 'src/web/qr.ts', 'src/web/scan.ts'],
  'markdown-it': ['src/web/markdown.ts'],
  yaml: ['src/config/yaml.ts'],
  'ipaddr.js': ['src/floor/address.ts'],
  commander: ['src/cli/program.ts', 'src/cli/gate-flags.ts'],
  'gpt-tokenizer': ['src/money/vocabulary.ts'],
  'string-width': ['src/cli/terminal.ts'],
  'wrap-ansi': ['src/cli/terminal.ts'],
  'light-bolt11-decoder': ['src/wallets/bolt11.ts'],
  '@scure/base': ['src/wallets/bolt11.ts'],
  '@noble/curves': ['src/wallets/bolt11.ts', 'src/wallets/nwc/curve.ts'],
  '@noble/hashes': ['src/floor/keccak.ts'],
  '@cashu/cashu-ts': ['src/wallets/ecash/mint/coins.ts', 'src/wallets/ecash/mint/token.ts'],
  '@scure/bip39': ['src/daemon/ecash-folder.ts'],
  viem: ['src/rails/x402/own/'],
  '@x402/evm': ['src/rails/x402/own/libraries.ts'],
  'node:sqlite': [
    'src/floor/sqlite-file.ts',
    'src/ledger/',
    'src/wallets/ecash/store/',
    'src/rails/x402/',
    'src/daemon/folder.ts',
  ],
}

/** Vite puts these into the page, so nobody who installs satgate needs them. */
const BUNDLED = ['markdown-it']

describe('the direction', () => {
  it('of imports is the one of the layers', () => {
    expect(againstTheLayers(imports, LAYERS)).toEqual([])
  })

  it('runs in no circle of files, of folders beside each other, or of rooms', () => {
    expect(circles(imports)).toEqual([])
  })

  it('knows every folder of src', () => {
    const folders = readdirSync(join(ROOT, 'src')).map((name) => `src/${name}/`)
    expect(folders.filter((folder) => !(folder in LAYERS))).toEqual([])
  })

  it('keeps adapters strangers to each other', () => {
    expect(ADAPTERS.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    expect(acquainted(imports, ADAPTERS)).toEqual([])
  })

  it('A→B is seen to fail on a small tree', () => {
    const small = importsOf({
      path: 'src/ledger/transitions.ts',
      text: `import { x } from '../floor/x.ts'\nimport {\n  y,\n} from '../gate/y.ts'\n`,
    })
    const layers = { 'src/floor/': [], 'src/ledger/': ['src/floor/'] }
    expect(againstTheLayers(small, layers)).toEqual([
      'src/ledger/transitions.ts imports src/gate/y.ts',
    ])
    const lazy = importsOf({ path: 'src/toy/a.ts', text: `await import('../cli/main.ts')` })
    expect(againstTheLayers(lazy, { 'src/toy/': [] })).toHaveLength(1)
    expect(againstTheLayers(lazy, {})).toEqual(['src/toy/a.ts is in no layer'])
    const pair = [{ from: 'a.ts', to: 'b.ts', typeOnly: true }]
    expect(acquainted(pair, ['a.ts', 'b.ts'])).toEqual(['a.ts imports b.ts'])
  })

  it.each([
    ['two files', ['a/x.ts → a/y.ts', 'a/y.ts → a/x.ts'], ['a/x.ts, a/y.ts']],
    [
      'a chain of files',
      ['a/x.ts → a/y.ts', 'a/y.ts → a/z.ts', 'a/z.ts → a/x.ts'],
      ['a/x.ts, a/y.ts, a/z.ts'],
    ],
    ['two rooms', ['a/x.ts → b/x.ts', 'b/y.ts → a/y.ts'], ['a, b']],
    ['rooms by their folders', ['a/in/x.ts → b/x.ts', 'b/y.ts → a/y.ts'], ['a, b']],
    ['folders of a room', ['a/b/x.ts → a/c/x.ts', 'a/c/y.ts → a/b/y.ts'], ['a/b, a/c']],
    ['no circle: a folder and the files above it', ['a/x.ts → a/b/x.ts', 'a/b/x.ts → a/y.ts'], []],
  ])('sees a circle of %s', (_, arrows, found) => {
    const small = arrows.map((arrow) => {
      const [from = '', to = ''] = arrow.split(' → ').map((path) => `src/${path}`)
      return { from, to, typeOnly: true }
    })
    expect(circles(small)).toEqual(found.map((one) => one.replaceAll(/(^|, )/g, '$1src/')))
  })
})

describe('the keys', () => {
  it('are each in one place', () => {
    expect(keysLent(imports, KEEPERS)).toEqual([])
  })

  it('of package.json are all kept', () => {
    const { dependencies, devDependencies, peerDependencies } = JSON.parse(
      read('package.json').text,
    )
    // Those are installed by whoever needs them.
    const peers = Object.keys(peerDependencies)
    const kept = Object.keys(KEEPERS).filter((name) => !name.startsWith('node:'))
    expect(kept.sort()).toEqual([...Object.keys(dependencies), ...peers, ...BUNDLED].sort())
    expect(BUNDLED.filter((name) => !(name in devDependencies))).toEqual([])
  })

  it('to clock, chance, environment and console are the command line’s alone', () => {
    const inner = product.filter(
      ({ path }) =>
        !path.startsWith('src/cli/') &&
        ![...STARTS, ...AS_TEXT, FOR_A_CHILD, REAL_WORLD].includes(path),
    )
    expect(inner.flatMap(taken)).toEqual([])
  })

  it('to time are in the one file that makes the real world', () => {
    const rest = product.filter(({ path }) => !path.startsWith('src/web/') && path !== REAL_WORLD)
    expect(rest.flatMap(takesTime)).toEqual([])
    expect(takesTime(read(REAL_WORLD))).not.toEqual([])
  })

  it('lent are seen', () => {
    const lent = importsOf({ path: 'src/gate/a.ts', text: `import { Hono } from 'hono/tiny'\n` })
    expect(keysLent(lent, { hono: ['src/http/'] })).toEqual(['src/gate/a.ts imports hono/tiny'])
    expect(keysLent(lent, {})).toEqual(['src/gate/a.ts: nobody keeps hono/tiny'])
    expect(keysLent([], { hono: ['src/http/'] })).toEqual(['nobody imports hono'])
  })

  it.each([
    ['process.env.HOME', 1],
    ['const { argv } = process.title', 1],
    ['const at = Date.now()', 1],
    ['const at = new Date()', 1],
    ['new Date(at)', 0],
    ['// Date.now() is not ours\nworld.now()', 0],
    ['/* console.log */', 0],
    ["const url = 'http://x' + Math.random()", 1],
    ["import { randomBytes } from 'node:crypto'", 1],
    ['process.nextTick(then)', 0],
  ])('%s is found to take %d', (text, found) => {
    expect(taken({ path: 'a.ts', text })).toHaveLength(found)
  })
})

/** The only file with a clock and timers of the machine. */
const REAL_WORLD = 'src/floor/real-world.ts'

describe('time', () => {
  it.each([
    ['const t = setTimeout(then, 1)', 1],
    ["import { setTimeout as sleep } from 'node:timers/promises'", 2],
    ['AbortSignal.timeout(1)', 1],
    ['performance.now()', 1],
    ['world.after(1, then)', 0],
  ])('%s is found to take %d', (text, found) => {
    expect(takesTime({ path: 'a.ts', text })).toHaveLength(found)
  })
})

describe('nothing that outlives a request maps to a request:', () => {
  const found = product.filter(({ path }) => !path.startsWith('src/web/')).flatMap(outliving)

  it('each collection that may outlive one has its reason in test/support/outliving.ts', () => {
    expect(found.filter((one) => !(one in ALLOWED))).toEqual([])
  })

  it('and each reason there has its collection', () => {
    expect(Object.keys(ALLOWED).filter((one) => !found.includes(one))).toEqual([])
  })

  it.each([
    ['class A {\n  readonly #all = new Map<string, Call>()\n}', ['a.ts #all']],
    ['class A {\n  #all = new TransientMap<Call>()\n}', []],
    ["class A {\n  go() {\n    const all = new Set<string>()\n    all.add('')\n  }\n}", []],
    ['const seen = new Set<string>()', ['a.ts seen']],
    ["const WORDS = new Set(['a'])", []],
    ['function make() {\n  const all = new Map()\n  return (id) => all.get(id)\n}', ['a.ts all']],
    ['function sum() {\n  const all = new Map()\n  return list.map((id) => all.get(id))\n}', []],
  ])('%j is found to be %j', (text, wanted) => {
    expect(outliving({ path: 'a.ts', text })).toEqual(wanted)
  })
})

/** What is longer than the rule, and how long it may be until it is shorter. It only goes down. */
const LONGER: Readonly<Record<string, number>> = {}

describe('the files', () => {
  const prose = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']
  const ours = [
    ...product,
    ...[...files('test', '.ts'), ...files('bench', '.ts', '.md'), ...files('scripts', '.ts')].map(
      read,
    ),
    ...[...files('docs', '.md'), ...files('examples', '.py', '.mjs', '.sh', '.md')].map(read),
    ...[...prose, 'satgate.yaml.example'].filter((path) => existsSync(join(ROOT, path))).map(read),
  ]

  it('of the product are no longer than 300 lines', () => {
    const rest = product.filter(({ path }) => !(path in LONGER))
    expect(tooLong(rest, 300)).toEqual([])
    for (const [path, most] of Object.entries(LONGER))
      expect(tooLong([read(path)], most)).toEqual([])
  })

  it('name no machine’s folders and leave nothing to do', () => {
    const self = ['test/tidy.test.ts', 'test/support/tidy.ts']
    expect(ours.filter(({ path }) => !self.includes(path)).flatMap(leftBehind)).toEqual([])
  })

  it('of the product have comments that name what stands below them', () => {
    expect(product.flatMap(astray)).toEqual([])
  })

  it('of the product are all reached from where a program starts', () => {
    expect(unreached(product, STARTS)).toEqual([])
  })

  it('that break these rules are found', () => {
    expect(tooLong([{ path: 'a.ts', text: 'x\n'.repeat(301) }], 300)).toEqual(['a.ts: 301 lines'])
    expect(tooLong([{ path: 'a.ts', text: 'x\n'.repeat(300) }], 300)).toEqual([])
    expect(leftBehind({ path: 'a.ts', text: "\nopen('/home/ann/x')" })).toEqual([
      'a.ts:2: /home/ann',
    ])
    expect(leftBehind({ path: 'a.ts', text: '// TODO later' })).toHaveLength(1)
    const said = '/** `path` is null if it is not known. */'
    expect(
      astray({ path: 'a.ts', text: `${said}\nfunction find(path: string | null) {}` }),
    ).toEqual([])
    expect(astray({ path: 'a.ts', text: `${said}\nfunction find(to: string) {}` })).toHaveLength(1)
    const tree = [
      { path: 'bin/a.ts', text: "await import('../src/b.ts')" },
      { path: 'src/b.ts', text: '' },
      { path: 'src/c.ts', text: "import './b.ts'" },
    ]
    expect(unreached(tree, ['bin/a.ts'])).toEqual(['src/c.ts'])
  })
})

describe('docs/money.md', () => {
  const REFUSALS: readonly (readonly [string, string])[] = [
    ['src/ledger/ledger.ts', 'HoldRefused'],
    ['src/ledger/withdrawals.ts', 'WithdrawalRefused'],
    ['src/ledger/ledger.ts', 'Closed'],
    ['src/rails/rail.ts', 'OfferRefused'],
    ['src/rails/rail.ts', 'RedeemRefused'],
    ['src/passes/pass.ts', 'Presented'],
    ['src/passes/pass.ts', 'PassRefused'],
    ['src/passes/pass.ts', 'Forbidden'],
  ]
  const said = read('docs/money.md').text

  it.each(REFUSALS)('says every refusal of %s %s, in its order', (path, type) => {
    const literals = literalsOf(read(path).text, type)
    expect(literals.length).toBeGreaterThan(1)
    expect(outOfOrder(sectionOf(said, type), literals)).toEqual([])
  })

  it('says why a deposit is refused', () => {
    const section = sectionOf(said, 'deposit')
    expect(outOfOrder(section, ['deposited_elsewhere', 'already_deposited'])).toEqual([])
  })

  it('would miss a refusal that it does not say', () => {
    const text =
      "export type Why =\n  | { why: 'one' } // 'not'\n  | 'two_b'\n\nexport const x = 'y'"
    expect(literalsOf(text, 'Why')).toEqual(['one', 'two_b'])
    expect(literalsOf(text, 'Other')).toEqual([])
    expect(sectionOf('# `A`\n\n`b`\n\n## `C`\n\n`d`\n', 'C')).toBe('## `C`\n\n`d`\n')
    expect(outOfOrder('`b` then `a`', ['a', 'b'])).toEqual(['b'])
    expect(outOfOrder('`a` then `b`', ['a', 'b'])).toEqual([])
  })
})
