import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Composed, compose } from '../../../src/daemon/compose.ts'
import { routesOf } from '../../../src/daemon/routes.ts'
import { dialects } from '../../../src/dialects/index.ts'
import { Background } from '../../../src/floor/background.ts'
import { ok } from '../../../src/floor/result.ts'
import { sleep } from '../../../src/floor/world.ts'
import type { GateEvent } from '../../../src/gate/ports.ts'
import { makeModels } from '../../../src/http/models.ts'
import type { Books } from '../../../src/ledger/open-ledger.ts'
import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { TokenCounter } from '../../../src/money/counter.ts'
import { makePricing } from '../../../src/money/pricing.ts'
import { measure } from '../../../src/money/tokens.ts'
import { keyId } from '../../../src/passes/keys.ts'
import type { RootKeys } from '../../../src/passes/write.ts'
import { configOf } from '../../support/gate.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'
import { VirtualProcess, type VirtualWorld } from '../../support/virtual-world.ts'
import type { SimUpstream } from './upstream.ts'
import type { SimWallet } from './wallet.ts'

/** Msat for each token: the price in `CONFIG`, which is in sats per 1,000 tokens. */
export const PRICE = { input: 100n, output: 1_000n }
/** How many requests the backend takes at a time. */
export const SLOTS = 4
const CONFIG = configOf({
  pricing: { default: '100/1000' },
  timeouts: { firstByte: '12s', idle: '8s' },
  capacity: { maxConcurrent: SLOTS },
  limits: { invoicesPerClient: 4 },
})
const MASTER = new Uint8Array(32).fill(9)
const ID = keyId(MASTER)
export const KEYS: RootKeys = {
  current: { id: ID, master: MASTER },
  byId: (id) => (id === ID ? MASTER : null),
}
const MODEL = { id: 'sim', object: 'model', created: 0, owned_by: 'nobody' }
const LISTED = { kind: 'other' as const, models: [MODEL], context: {} }

export interface SimParts {
  readonly world: VirtualWorld
  readonly wallet: SimWallet
  readonly upstream: SimUpstream
  readonly store: 'memory' | 'sqlite'
  /** Wraps the books with a mistake that the simulation must find. */
  readonly plant?: (books: Books) => Books
}

/** One gate with its books. It can be killed, and started again over the same books. */
export class SimGate {
  readonly events: GateEvent[] = []
  readonly #parts: SimParts
  readonly #folder: string | null
  readonly #closers: (() => Promise<void>)[] = []
  #generation = 0
  #books: Books
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
    const { wallet, upstream, plant } = this.#parts
    const world = this.#process
    const say = (event: GateEvent) => {
      this.events.push(event)
    }
    const books = plant?.(this.#books) ?? this.#books
    await books.ledger.recover(world.now())
    const background = new Background(world, ({ work, solved, reason }) =>
      say({ event: solved ? 'solved' : 'problem', what: 'background_failed', work, reason }),
    )
    const get = async () => ok({ status: 200, headers: {}, json: { data: [MODEL] } })
    this.#composed = compose({
      ...{ config: CONFIG, books, keys: KEYS, world, background, say, play: null },
      routes: (targets) => routesOf(dialects, CONFIG.mode, targets),
      wallet: wallet.seenBy(world),
      upstream: upstream.seenBy(world),
      models: makeModels({ get, world, first: ok(LISTED) }),
      backend: { url: 'http://sim', explain: () => 'as the script says' },
      pricing: makePricing(CONFIG.pricing.list, () => ({ ok: false, error: 'no rate' })),
      ownUrl: () => 'http://gate',
      counter: new TokenCounter(async () => ({
        measure: async (text) => measure(text),
        stop: async () => {},
      })),
    })
  }

  /** Like `kill -9`: what was not on disk is lost, and no code of this process runs any more. */
  kill(): void {
    this.#process.kill()
    this.#composed = null
    this.#process = new VirtualProcess(this.#parts.world)
    if (this.#folder === null) return
    const old = this.#books
    this.#closers.push(() => old.close())
    const from = this.#path()
    this.#generation += 1
    for (const end of ['', '-wal']) {
      if (existsSync(from + end)) cpSync(from + end, this.#path() + end)
    }
    this.#books = this.#open()
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
    return openSqliteBooks({ path: this.#path(), kind: 'play', world })
  }
}
