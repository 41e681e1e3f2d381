import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openLog } from '../../src/cli/log.ts'
import type { Config } from '../../src/config/config.ts'
import { load } from '../../src/config/load.ts'
import { mistakeLine } from '../../src/config/node.ts'
import { findBackend } from '../../src/daemon/backend.ts'
import { type Composed, compose } from '../../src/daemon/compose.ts'
import type { GateParts } from '../../src/daemon/gate-parts.ts'
import { routesOf } from '../../src/daemon/routes.ts'
import { dialects } from '../../src/dialects/index.ts'
import { Background } from '../../src/floor/background.ts'
import { err, ok } from '../../src/floor/result.ts'
import type { World } from '../../src/floor/world.ts'
import type { GateEvent } from '../../src/gate/ports.ts'
import { closeGently, gateServer } from '../../src/http/server.ts'
import type { Books } from '../../src/ledger/open-ledger.ts'
import { openSqliteBooks } from '../../src/ledger/sqlite.ts'
import { TokenCounter } from '../../src/money/counter.ts'
import { makePricing } from '../../src/money/pricing.ts'
import { type RootKeys, rootKeysOf } from '../../src/passes/write.ts'
import type { Rail } from '../../src/rails/rail.ts'
import { openPlayWallet, type PlayWallet } from '../../src/wallets/play/play.ts'
import type { TokenReceiver } from '../../src/wallets/receiver.ts'
import type { Wallet } from '../../src/wallets/wallet.ts'
import { alone, type NamedWallet } from '../../src/wallets/wallet-list.ts'
import { type Answered, Client, type Question } from './ask.ts'
import { unheard } from './background.ts'
import { bearer, type Pass, passOf, tick } from './buyer.ts'
import { openMemoryBooks } from './memory-books.ts'
import { serve } from './serve.ts'
import { type FakeUpstream, type Script, startFakeUpstream } from './upstream.ts'
import { TestWorld } from './world.ts'

export interface GateOptions {
  readonly script?: Script
  /** As in satgate.yaml. */
  readonly settings?: Readonly<Record<string, unknown>>
  readonly books?: 'memory' | 'sqlite'
  /** Continues with the books, the key and the time of this gate, as after a restart. */
  readonly after?: TestGate
  /** Another root key than the one of the earlier gate. */
  readonly keys?: RootKeys
  /** Another wallet than the one for play money. Payments still go through the play wallet. */
  readonly wallet?: (play: PlayWallet) => Wallet
  /** Several wallets instead. */
  readonly wallets?: (play: PlayWallet) => readonly NamedWallet[]
  /** Wraps the books, to watch or to disturb them. */
  readonly watch?: (books: Books) => Books
  /** The time. One of its own if not given. */
  readonly world?: TestWorld
  /** The routes. Those of the program if not given. */
  readonly routes?: GateParts['routes']
  /** Takes tokens of buyers. Nobody does if not given. */
  readonly receiver?: TokenReceiver
  /** Mints that buyers are paid back from. */
  readonly ecash?: GateParts['ecash']
  /** Takes dollars, at this rate. `settings` name their network and address. */
  readonly x402?: GateParts['x402']
  readonly usdPerBtc?: GateParts['usdPerBtc']
  /** Further rails besides those of the program. */
  readonly rails?: readonly Rail[]
  /**
   * If true, the test file closes the gate. Otherwise it is closed at the end of the test that
   * started it.
   */
  readonly shared?: boolean
}

const MODEL_LIST = [
  { id: 'fake', object: 'model', created: 0, owned_by: 'fake' },
  { id: 'other', object: 'model', created: 0, owned_by: 'fake' },
]

/**
 * The whole gate in this process, composed like the program: a real listener on a free loopback
 * port, a fake upstream, and play money. Only the folder, the lock and the command line are
 * missing.
 */
export async function startGate(options: GateOptions = {}): Promise<TestGate> {
  const script = { models: MODEL_LIST, ...options.script }
  const fake = options.after?.fake ?? (await startFakeUpstream(script))
  if (options.after === undefined) fake.script = script
  const config = configOf({ upstream: fake.base.origin, ...options.settings })
  const world = options.after?.world ?? options.world ?? new TestWorld()
  const folder = options.after?.folder ?? mkdtempSync(join(tmpdir(), 'satgate-test-'))
  const opened = options.after?.kept ?? openBooks(options.books ?? 'memory', folder, world)
  const books = options.watch?.(opened) ?? opened
  const keys = options.keys ?? options.after?.keys ?? newKeys()
  const play = openPlayWallet({ store: opened.invoices, world, background: unheard })
  const events: GateEvent[] = []
  const found = await findBackend(config, world)
  const background = new Background(world, ({ work, solved, reason }) =>
    events.push({ event: solved ? 'solved' : 'problem', what: 'background_failed', work, reason }),
  )
  let url = ''
  const composed = compose({
    config,
    books,
    keys,
    wallets: options.wallets?.(play) ?? [alone(options.wallet?.(play) ?? play)],
    play,
    upstream: found.upstream,
    models: found.models,
    backend: found,
    pricing: makePricing(config.pricing.list, () => {
      const rate = options.usdPerBtc?.() ?? null
      return rate === null ? err('no rate') : ok(rate)
    }),
    world,
    background,
    say: (event) => events.push(event),
    routes:
      options.routes ??
      ((targets) => routesOf(dialects, config.mode, targets, config.dialects.translate)),
    rails: options.rails ?? [],
    receiver: options.receiver ?? null,
    ecash: options.ecash ?? null,
    x402: options.x402 ?? null,
    usdPerBtc: options.usdPerBtc ?? (() => null),
    ownUrl: () => url,
    counter: new TokenCounter(),
  })
  const { entrance } = composed
  const server = await serve(entrance.listener, (listener) => gateServer(listener, entrance))
  url = `http://127.0.0.1:${server.port}`
  const parts = { fake, config, world, folder, books, kept: opened, keys, events, composed }
  const stop = async () => {
    await composed.endStreams()
    await closeGently(world, server.server, 1_000)
    await composed.close()
    await found.upstream.close()
  }
  const gate = new TestGate({ ...parts, play, url, port: server.port, stop })
  if (options.after !== undefined) onTestFinished(() => gate.stop())
  else if (options.shared !== true) onTestFinished(() => gate.close())
  return gate
}

interface Parts {
  readonly fake: FakeUpstream
  readonly config: Config
  readonly world: TestWorld
  readonly folder: string
  /** The books as the gate sees them. */
  readonly books: Books
  readonly kept: Books
  readonly keys: RootKeys
  readonly events: GateEvent[]
  readonly composed: Composed
  readonly play: PlayWallet
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

type RequestEvent = Extract<GateEvent, { event: 'request' }>

/** A gate under test, with a buyer. */
export class TestGate {
  readonly #parts: Parts
  readonly client: Client
  #stopped = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.client = new Client(parts.port)
  }

  get fake(): FakeUpstream {
    return this.#parts.fake
  }
  get world(): TestWorld {
    return this.#parts.world
  }
  get books(): Books {
    return this.#parts.books
  }
  get kept(): Books {
    return this.#parts.kept
  }
  get keys(): RootKeys {
    return this.#parts.keys
  }
  get folder(): string {
    return this.#parts.folder
  }
  get events(): GateEvent[] {
    return this.#parts.events
  }
  get composed(): Composed {
    return this.#parts.composed
  }
  get play(): PlayWallet {
    return this.#parts.play
  }
  get url(): string {
    return this.#parts.url
  }
  get port(): number {
    return this.#parts.port
  }

  ask(question: Question): Promise<Answered> {
    return this.client.ask(question)
  }

  /** Sends a chat completion with a small prompt. `body` is added to it. */
  chat(pass: Pass | string | null, body: object = {}, headers = {}): Promise<Answered> {
    return this.ask(this.chatQuestion(pass, body, headers))
  }

  chatQuestion(pass: Pass | string | null, body: object = {}, headers = {}): Question {
    return {
      path: '/v1/chat/completions',
      body: { model: 'fake', messages: [{ role: 'user', content: 'hi' }], ...body },
      headers: { ...bearer(pass), ...headers },
    }
  }

  /** Buys a pass as a buyer does: an invoice, paid at `/play/pay`. */
  async buy(amountSats = 1000, ask: object = {}, headers = {}): Promise<Pass> {
    const made = await this.ask({
      path: '/create-invoice',
      body: { amountSats, ...ask },
      headers,
    })
    if (made.status !== 200) throw new Error(`create-invoice: ${made.status} ${made.text}`)
    const secret = await this.pay(made.json.bolt11)
    return passOf(made.json.macaroon, secret, made.json.payment_hash)
  }

  /** Pays the offer of a 402. Returns the pass. */
  async accept(refused: Answered): Promise<Pass> {
    const { invoice, macaroon, payment_hash: hash } = refused.json.l402
    return passOf(macaroon, await this.pay(invoice), hash)
  }

  /** Pays an invoice. Returns the preimage. */
  async pay(invoice: string): Promise<string> {
    const paid = await this.ask({ path: '/play/pay', body: { invoice } })
    if (paid.status !== 200) throw new Error(`play/pay: ${paid.status} ${paid.text}`)
    return paid.json.preimage
  }

  /** The answer of `GET /v1/balance`. */
  async balance(pass: Pass | string): Promise<Answered['json']> {
    return (await this.ask({ path: '/v1/balance', headers: bearer(pass) })).json
  }

  /** Waits until there are that many request events. Returns all of them. */
  async requests(count = 1): Promise<RequestEvent[]> {
    const all = () => this.events.filter((one): one is RequestEvent => one.event === 'request')
    while (all().length < count) await tick()
    return all()
  }

  /** Waits until there are that many request events. Returns the last one. */
  async last(count = 1): Promise<RequestEvent> {
    const event = (await this.requests(count)).at(-1)
    if (event === undefined) throw new Error('no request yet')
    return event
  }

  /** All events, as JSON lines and as lines for people. */
  log(): string {
    let text = ''
    const out = {
      write: (line: string) => (text += line),
      terminal: false,
      colour: false,
      columns: () => null,
    }
    for (const json of [true, false]) {
      const log = { json, level: 'debug' } as const
      const screen = openLog(out, log, this.world.now)
      screen.open({ money: 'play' })
      this.events.forEach(screen.say)
    }
    return text
  }

  /** Checks that the books balance and that no hold is open. */
  async proof(): Promise<void> {
    const holds = await this.books.statement.holds(10)
    if (holds.length > 0) throw new Error(`${holds.length} holds are open`)
    const proved = await this.books.statement.verify()
    if (!proved.ok) throw new Error(proved.error.join('\n'))
  }

  /** Stops the gate. Books and upstream stay open for a gate after it. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.client.close()
    await this.#parts.stop()
  }

  async close(): Promise<void> {
    await this.stop()
    await this.kept.close()
    await this.fake.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export function configOf(settings: Readonly<Record<string, unknown>>): Config {
  const text = JSON.stringify({ wallet: 'play', ...settings })
  const loaded = load({
    flags: {},
    env: { UPSTREAM_KEY: 'sk-operator-key' },
    cwd: '/srv/gate',
    home: '/home/op',
    readFile(path) {
      if (path.endsWith('satgate.json')) return { bytes: Buffer.from(text), mode: 0o600 }
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    },
  })
  if (!loaded.ok) throw new Error(loaded.error.map(mistakeLine).join('\n'))
  return loaded.value.config
}

function openBooks(kind: 'memory' | 'sqlite', folder: string, world: World): Books {
  if (kind === 'memory') return openMemoryBooks('play')
  return openSqliteBooks({ path: join(folder, 'ledger.db'), kind: 'play', world })
}

export function newKeys(): RootKeys {
  return rootKeysOf(new Uint8Array(randomBytes(32)))
}
