import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Composed, compose } from '../../../src/daemon/compose.ts'
import { routesOf } from '../../../src/daemon/routes.ts'
import { dialects } from '../../../src/dialects/index.ts'
import { Background } from '../../../src/floor/background.ts'
import { ok } from '../../../src/floor/result.ts'
import { sleep } from '../../../src/floor/world.ts'
import type { GateEvent } from '../../../src/gate/ports.ts'
import { makeModels } from '../../../src/http/models.ts'
import type { Books } from '../../../src/ledger/open-ledger.ts'
import { openDatabase } from '../../../src/ledger/sqlite/database.ts'
import type { WriterParts } from '../../../src/ledger/sqlite/group-writer.ts'
import { booksOver } from '../../../src/ledger/sqlite.ts'
import { TokenCounter } from '../../../src/money/counter.ts'
import { makePricing } from '../../../src/money/pricing.ts'
import { measure } from '../../../src/money/tokens.ts'
import { type RootKeys, rootKeysOf } from '../../../src/passes/write.ts'
import { Reconciler } from '../../../src/rails/x402/reconciler.ts'
import type { TokenReceiver } from '../../../src/wallets/receiver.ts'
import { configOf } from '../../support/gate.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'
import { VirtualProcess, type VirtualWorld } from '../../support/virtual-world.ts'
import { SIM_PAY_TO, type SimChain } from './chain.ts'
import { MINT, type SimMint } from './mint.ts'
import type { Plant } from './plants.ts'
import { SimReceiver } from './receiver.ts'
import type { SimUpstream } from './upstream.ts'
import type { SimWallets } from './wallets.ts'
import { SimWriter } from './writer.ts'

/** Msat for each token: the price in `CONFIG`, which is in sats per 1,000 tokens. */
export const PRICE = { input: 100n, output: 1_000n }
/** How many requests the backend takes at a time. */
export const SLOTS = 4
const SETTINGS = {
  pricing: { default: '100/1000' },
  timeouts: { firstByte: '12s', idle: '8s' },
  capacity: { maxConcurrent: SLOTS },
  limits: { invoicesPerClient: 4 },
}
/** What a payment of so many sats credits, in some histories. */
export const TIER = { amountSats: 1_000, creditSats: 1_200 }
const TIERS = { credit: { tiers: [TIER] } }
/** The most dollars that all buyers together may have unspent. */
export const MOST_DOLLARS = 40_000n
const DOLLARS = {
  // Nobody opens it: with play money no dollars are taken.
  wallet: { mints: [MINT] },
  rails: {
    payment: true,
    x402: {
      ...{ payTo: SIM_PAY_TO, network: 'base-sepolia', facilitator: 'http://127.0.0.1:1' },
      ...{ maxPayment: '0.04', maxOutstanding: '0.04' },
    },
  },
}
const configs = (more: object) => ({
  plain: configOf({ ...SETTINGS, ...more }),
  tiers: configOf({ ...SETTINGS, ...TIERS, ...more }),
})
const CONFIGS = { sats: configs({}), dollars: configs(DOLLARS) }
const MASTER = new Uint8Array(32).fill(9)
export const KEYS: RootKeys = rootKeysOf(MASTER)
const MODEL = { id: 'sim', object: 'model', created: 0, owned_by: 'nobody' }
const LISTED = { kind: 'other' as const, models: [MODEL], context: {} }

export interface SimParts {
  readonly world: VirtualWorld
  readonly wallets: SimWallets
  /** Null if nothing but invoices is taken, and nothing leaves. */
  readonly mint: SimMint | null
  /** Null if no dollars are taken, and no charges of the Payment scheme. */
  readonly chain: SimChain | null
  readonly hasTiers: boolean
  readonly upstream: SimUpstream
  readonly store: 'memory' | 'sqlite'
  /** True while no disk fails. */
  readonly isCalm: () => boolean
  /** A mistake that the simulation must find. */
  readonly plant?: Plant
}

/** One gate with its books. It can be killed, and started again over the same books. */
export class SimGate {
  readonly events: GateEvent[] = []
  readonly #parts: SimParts
  readonly #folder: string | null
  readonly #closers: (() => Promise<void>)[] = []
  #generation = 0
  #books: Books
  /** The connection of the books. Null for books in memory. */
  #db: DatabaseSync | null = null
  #writer: SimWriter | null = null
  /** By request: ms of `elapsed` when its event was written. */
  readonly #ended = new Map<string, number>()
  #process: VirtualProcess
  #composed: Composed | null = null

  constructor(parts: SimParts) {
    this.#parts = parts
    this.#folder =
      parts.store === 'sqlite' ? mkdtempSync(join(tmpdir(), 'satgate-simulated-')) : null
    this.#process = new VirtualProcess(parts.world)
    this.#books = this.#open()
  }

  /** The books without a planted mistake. */
  get books(): Books {
    return this.#books
  }

  get process(): VirtualProcess {
    return this.#process
  }

  /** Null while no gate runs. */
  get composed(): Composed | null {
    return this.#composed
  }

  async start(): Promise<void> {
    const { chain, hasTiers, mint, wallets, upstream, plant } = this.#parts
    const world = this.#process
    const config = CONFIGS[chain === null ? 'sats' : 'dollars'][hasTiers ? 'tiers' : 'plain']
    const say = (event: GateEvent) => {
      this.events.push(event)
      if (event.event === 'request') this.#ended.set(event.id, world.elapsed())
    }
    const books = plantedBooks(this.#books, plant)
    await books.ledger.recover(world.now())
    const background = new Background(world, ({ work, solved, reason }) =>
      say({ event: solved ? 'solved' : 'problem', what: 'background_failed', work, reason }),
    )
    const get = async () => ok({ status: 200, headers: {}, json: { data: [MODEL] } })
    this.#composed = compose({
      ...{ config, books, keys: KEYS, world, background, say, play: null },
      routes: (targets) => routesOf(dialects, config.mode, targets),
      wallets: wallets.seenBy(world),
      ...(mint === null ? {} : ecashOf(mint, { process: world, plant })),
      ...(chain === null ? {} : dollarsOf(chain, { process: world, background, plant })),
      upstream: upstream.seenBy(world),
      models: makeModels({ get, world, first: ok(LISTED) }),
      backend: { url: 'http://sim', explain: () => 'as the script says' },
      pricing: makePricing(config.pricing.list, () => ({ ok: false, error: 'no rate' })),
      ownUrl: () => 'http://gate',
      counter: new TokenCounter(async () => ({
        measure: async (text) => measure(text),
        stop: async () => {},
      })),
    })
  }

  /**
   * Like `kill -9`: what was not on disk is lost, and no code of this process runs any more. Returns
   * the requests that had ended and whose settlements may be lost.
   */
  kill(): ReadonlySet<string> {
    const until = this.#writer?.onDiskUntil ?? Number.POSITIVE_INFINITY
    const lost = [...this.#ended].flatMap(([id, at]) => (at >= until ? [id] : []))
    this.#process.kill()
    this.#composed = null
    this.#process = new VirtualProcess(this.#parts.world)
    if (this.#folder === null) return new Set(lost)
    const db = this.#db
    this.#closers.push(async () => db?.close())
    const from = this.#path()
    this.#generation += 1
    for (const end of ['', '-wal']) {
      if (existsSync(from + end)) cpSync(from + end, this.#path() + end)
    }
    this.#books = this.#open()
    return new Set(lost)
  }

  /** Like SIGTERM: answers have a moment to end, and the money of the others is given back. */
  async stop(): Promise<void> {
    const composed = this.#composed
    this.#composed = null
    composed?.refuseNew()
    await sleep(this.#process, 1_000)
    await composed?.endStreams()
    await composed?.close()
    await this.#books.close()
    this.#process.kill()
    this.#process = new VirtualProcess(this.#parts.world)
    this.#books = this.#open()
  }

  /** Whether the credit of a payment is in the file. Null for books in memory. */
  isOnDisk(payment: string): boolean | null {
    if (this.#folder === null) return null
    const db = new DatabaseSync(this.#path(), { readOnly: true })
    const found = db
      .prepare('SELECT 1 FROM deposits WHERE payment IN (?, ?, ?)')
      .get(`ln:${payment}`, `cashu:${payment}`, this.#parts.chain?.idOf(payment) ?? '')
    db.close()
    return found !== undefined
  }

  async close(): Promise<void> {
    await this.#books.close()
    for (const close of this.#closers) await close()
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true })
  }

  #path(): string {
    return join(this.#folder ?? '', `ledger-${this.#generation}.db`)
  }

  #open(): Books {
    const world = this.#process
    if (this.#folder === null) return this.#books ?? openMemoryBooks('play')
    const path = this.#path()
    const { isCalm, plant, world: virtual } = this.#parts
    const about = { chance: virtual.chance, isCalm, tooEarly: isEarly(plant) }
    const db = openDatabase({ path, kind: 'play', now: world.now() })
    this.#db = db
    const writer = (parts: WriterParts) => {
      this.#writer = new SimWriter(parts, about)
      return this.#writer
    }
    return booksOver(db, { path, kind: 'play', world, writer })
  }
}

/** What a gate has of the mint, with the mistake that is planted there. */
function ecashOf(
  mint: SimMint,
  { plant, process }: { readonly process: VirtualProcess; readonly plant: Plant | undefined },
) {
  const receiver: TokenReceiver = new SimReceiver(mint, process)
  const source = mint.sourceFor(process)
  const planted = typeof plant === 'object' ? plant : null
  return {
    receiver: planted !== null && 'receiver' in planted ? planted.receiver(receiver) : receiver,
    ecash: {
      sources: [planted !== null && 'source' in planted ? planted.source(source) : source],
      restored: { restored: () => null, confirm: () => {} },
    },
  }
}

/** What a gate has of the chain, with the mistake that is planted there. */
function dollarsOf(
  chain: SimChain,
  about: {
    readonly process: VirtualProcess
    readonly background: Background
    readonly plant: Plant | undefined
  },
) {
  const { background, plant, process } = about
  const planted = typeof plant === 'object' ? plant : null
  const own = { facilitator: chain.seenBy(process), payments: chain.rows.seenBy(process) }
  const { facilitator, payments } =
    planted !== null && 'dollars' in planted ? { ...own, ...planted.dollars(own) } : own
  const parts = { facilitator, payments, world: process, background, onLost: () => {} }
  const reconciler = new Reconciler(parts)
  return { x402: { facilitator, payments, reconciler }, usdPerBtc: () => chain.usdPerBtc }
}

function plantedBooks(books: Books, plant: Plant | undefined): Books {
  if (typeof plant === 'function') return plant(books)
  return typeof plant === 'object' && 'books' in plant ? (plant.books?.(books) ?? books) : books
}

const isEarly = (plant: Plant | undefined): boolean =>
  typeof plant === 'object' && 'tooEarly' in plant
