import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Config } from '../config/config.ts'
import type { Dialect, Envelope } from '../dialects/dialect.ts'
import { envelopeOf } from '../dialects/envelopes.ts'
import type { Background } from '../floor/background.ts'
import type { Member } from '../floor/quota.ts'
import { placeOf } from '../floor/say-error.ts'
import type { World } from '../floor/world.ts'
import { Buying } from '../gate/buying.ts'
import { Closer } from '../gate/close.ts'
import { Demand, TIERS } from '../gate/demand.ts'
import { Exchange } from '../gate/exchange.ts'
import { Gate } from '../gate/gate.ts'
import { goneRefusal } from '../gate/gone.ts'
import { MOST_SATS } from '../gate/invoice-ask.ts'
import { priceOf } from '../gate/judge.ts'
import { ModeRule } from '../gate/mode.ts'
import { ObservedLedger } from '../gate/observe.ts'
import type { Say, Upstream } from '../gate/ports.ts'
import { Purse } from '../gate/purse.ts'
import { RequestLog } from '../gate/request-log.ts'
import { Respond } from '../gate/respond.ts'
import { Speeds } from '../gate/speeds.ts'
import { AccountPages } from '../gate/statement.ts'
import { Targets } from '../gate/targets.ts'
import { makeListener } from '../http/app.ts'
import { BodyShare, passesBounds, strangersBounds } from '../http/body-share.ts'
import { makeClients, makeTunnelClients } from '../http/clients.ts'
import { makeDescribe } from '../http/describe.ts'
import type { AppParts } from '../http/endpoint.ts'
import { makeReceive } from '../http/incoming.ts'
import type { ModelList } from '../http/models.ts'
import { makeNotFound } from '../http/not-found.ts'
import { nodeReply } from '../http/reply.ts'
import type { Terms } from '../http/selling.ts'
import type { Books } from '../ledger/books.ts'
import { TokenCounter } from '../money/counter.ts'
import { PromptEstimator } from '../money/lessons.ts'
import type { Pricing } from '../money/pricing.ts'
import type { RootKeys } from '../passes/write.ts'
import type { Gifts } from '../rails/gifts.ts'
import type { Rail } from '../rails/rail.ts'
import { type Outage, WalletLine } from '../rails/wallet-line.ts'
import type { PlayWallet } from '../wallets/play.ts'
import type { Wallet } from '../wallets/wallet.ts'
import type { FoundBackend } from './backend.ts'
import { composeRails } from './compose-rails.ts'
import { routesOf } from './routes.ts'
import { version } from './version.ts'

/** The concrete parts that a gate is made of. */
export interface ComposeParts {
  readonly config: Config
  readonly books: Books
  readonly keys: RootKeys
  readonly wallet: Wallet
  /** The same wallet where it is play money. */
  readonly play: PlayWallet | null
  /** Ways to be paid, besides L402. */
  readonly rails?: readonly Rail[]
  readonly upstream: Upstream
  readonly models: ModelList
  /** Where the upstream is, and what a failure of it means, for the operator alone. */
  readonly backend: Pick<FoundBackend, 'url' | 'explain'>
  readonly pricing: Pricing
  readonly world: World
  readonly background: Background
  readonly say: Say
  /** The APIs that are served. */
  readonly dialects: readonly Dialect[]
  readonly ownUrl: () => string
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** What listens, and how it tells connections apart. */
export interface Entrance {
  readonly listener: Listener
  readonly clientOf: (socket: Socket) => Member | null
  /** How what is no HTTP request is answered. */
  readonly errors: Envelope
}

/** A gate, ready to be listened for. */
export interface Composed {
  readonly entrance: Entrance
  /** The same routes for whoever comes through the tunnel: nobody there is local (I3). */
  tunnelEntrance(publicUrl: () => string | null): Entrance
  readonly line: WalletLine
  /** What the operator gives away. */
  readonly gifts: Gifts
  readonly running: () => number
  readonly openInvoices: () => number
  /** The backend answered when it was last asked, and lists something to sell. */
  readonly upstreamUp: () => boolean
  /** Bytes that request bodies take now. */
  readonly bodyBytes: () => number
  /** Takes nothing new. */
  refuseNew(): void
  /** Ends what still streams; resolves when every hold is closed. */
  endStreams(): Promise<void>
  /** Stops timers and the wallet. */
  close(): Promise<void>
}

/** At least so many, at most twice as many. */
/** ms, on top of the longest silence that a stream may have. */
const HOLD_LIFE = 60_000
/** ms that a request which cost nothing stays in the books (threats J20). */
const FREE_IS_KEPT = 86_400_000
const UPKEEP = { every: 3_600_000, longest: 3_600_000 }

/** The only place that names concrete wallets and stores together. */
export function compose(parts: ComposeParts): Composed {
  const { config, books, world, background, say, models, pricing, dialects } = parts
  const { ledger } = books
  const ofWallet = (wallet: string, since: number) => ({
    ...{ what: 'wallet_unreachable', wallet, since: iso(since), label: parts.wallet.label },
  })
  const outage = {
    gone: (wallet: string, reason: string, since: number) =>
      say({ event: 'problem', ...ofWallet(wallet, since), reason }),
    back: (wallet: string, since: number) => say({ event: 'solved', ...ofWallet(wallet, since) }),
  } satisfies Outage
  const line = new WalletLine(parts.wallet, { world, outage, background })
  models.watch(background, {
    gone: ({ why, since }, how) =>
      say({
        ...{ event: 'problem', what: 'upstream_unreachable', reason: why, since: iso(since) },
        ...{ url: parts.backend.url, detail: parts.backend.explain(how) },
      }),
    back: (since) => say({ event: 'solved', what: 'upstream_unreachable', since: iso(since) }),
    unlisted: (how) =>
      say({
        ...{ event: 'problem', what: 'models_unlisted' },
        ...{ url: parts.backend.url, detail: parts.backend.explain(how) },
      }),
    listed: () => say({ event: 'solved', what: 'models_unlisted' }),
  })
  const healthy = () => books.healthy()
  const undeliverable = () => {
    const gone = models.gone()
    return gone === null ? null : goneRefusal(gone)
  }
  const { invoicesPerClient: perClient, invoicesTotal: total } = config.limits
  const bounds = { perClient, total }
  const money = composeRails({ ...parts, ...books, ...bounds, line, more: parts.rails ?? [] })
  const { authenticator, gifts, l402, rails, readCredentials } = money
  const { firstByteMs: firstByte, idleMs: idle } = config.timeouts
  const holdLife = HOLD_LIFE + 2 * Math.max(firstByte, idle)
  const purses = {
    real: new Purse(ledger, world, holdLife),
    observed: new Purse(new ObservedLedger(ledger, world), world, holdLife),
  }
  const closer = new Closer({ world, onUpstreamFailure: config.billing.onUpstreamFailure })
  const pages = new AccountPages(ledger, authenticator, world)
  const speeds = new Speeds(firstByte)
  const patience = { firstByte, idle }
  const exchange = new Exchange({ closer, world, background, patience, speeds })
  const counter = new TokenCounter()
  const also = new Set(config.limits.requestFields)
  const demand = new Demand(rails, config.credit.invoice)
  const targets = new Targets({
    upstream: parts.upstream,
    backend: () => models.kind(),
    gone: undeliverable,
    slots: config.capacity.maxConcurrent,
  })
  const routes = routesOf(dialects, config.mode, targets)
  const gate = new Gate({
    pricing: {
      ...{ models, pricing, speeds },
      bounds: { usual: config.pricing.maxOutputTokens, most: config.limits.outputTokens },
      estimating: { estimator: new PromptEstimator(), counter },
    },
    terms: () => ({ also, backend: models.kind() }),
    authenticator,
    demand,
    mode: new ModeRule({ demand, purses, world, healthy, contact: config.operator.contact }),
    exchange,
    closer,
    respond: new Respond(pages, world),
    log: new RequestLog(say, world),
    world,
    healthy,
  })
  const salt = world.random(32)
  const clients = makeClients({
    trustedProxies: config.trustedProxies,
    salt,
    onHidden: () => say({ event: 'problem', what: 'clients_look_alike', fix: 'trustedProxies' }),
  })
  const pace = { first: HOLD_LIFE, every: HOLD_LIFE, longest: HOLD_LIFE }
  const sweep = background.repeat('lost holds', pace, () => sweepHolds(parts))
  const upkeep = background.repeat('upkeep of the ledger', UPKEEP, () =>
    books.prune(world.now() - FREE_IS_KEPT),
  )
  const errors = envelopeOf('')
  const upstreamUp = () => models.answering() && models.gone() === null
  const { play } = parts
  let tunnelUrl = (): string | null => null
  const bodyLimit = config.limits.bodyBytes
  const shares = {
    passes: new BodyShare(passesBounds(bodyLimit), world.now),
    strangers: new BodyShare(strangersBounds(bodyLimit), world.now),
  }
  const receiving = {
    world,
    readCredentials,
    shares,
    bodyLimit,
    ownUrl: parts.ownUrl,
  }
  const app = {
    gate,
    buying: new Buying({
      ...{ invoicing: l402, authenticator, world, healthy },
      gone: undeliverable,
    }),
    pages,
    describe: makeDescribe({
      priceOf: (model) => priceOf(model, { pricing, models }),
      listed: () => models.list(),
      now: world.now,
      terms: termsOf(parts),
      upstreamOk: upstreamUp,
      gone: () => models.gone(),
      publicUrl: () => config.publicUrl ?? tunnelUrl(),
      usdPerBtc: () => pricing.usdPerBtc(),
      walletOk: () => line.up,
      ledgerOk: () => books.healthy(),
    }),
    money: parts.wallet.money,
    routes,
    envelopeOf,
    sells: config.mode === 'charge',
    notFound: makeNotFound(dialects),
    onError: (error) =>
      say({ event: 'problem', what: 'internal_error', error: error.name, at: placeOf(error) }),
    cors: { origins: config.cors },
    receive: makeReceive({ ...receiving, clients, publicUrl: () => config.publicUrl }),
    reply: (request, response, onHead = null) =>
      nodeReply(request, response, { world, idleMs: idle, onHead }),
    playPay: play === null ? null : (invoice) => play.pay(invoice),
    isLocal: (request) => clients.isLocal(request),
  } satisfies AppParts
  return {
    entrance: { listener: makeListener(app), clientOf: clients.ofConnection, errors },
    tunnelEntrance(publicUrl) {
      tunnelUrl = publicUrl
      const strangers = makeTunnelClients(salt)
      const receive = makeReceive({ ...receiving, clients: strangers, publicUrl })
      const { isLocal, ofConnection: clientOf } = strangers
      const listener = makeListener({ ...app, receive, playPay: null, isLocal })
      return { listener, clientOf, errors }
    },
    line,
    gifts,
    running: () => gate.running,
    openInvoices: () => l402.open,
    upstreamUp,
    bodyBytes: () => shares.passes.bytes + shares.strangers.bytes,
    refuseNew: () => gate.stop(),
    endStreams: () => gate.endStreams(),
    async close() {
      models.stop()
      await Promise.all([sweep.stop(), upkeep.stop(), money.stop()])
      await counter.close()
      await line.close()
    },
  }
}

/** What the gate's own documents say that it sells by. */
const termsOf = ({ config, wallet, dialects }: ComposeParts): Terms => ({
  version: version(),
  operator: { ...config.operator, name: config.operator.name ?? 'satgate' },
  money: wallet.money,
  dialects,
  errors: envelopeOf(''),
  methods: config.rails.l402 ? ['l402'] : [],
  invoice: config.credit.invoice,
  mostSats: MOST_SATS,
  tiers: TIERS,
  limits: {
    body: config.limits.bodyBytes,
    outputTokens: config.limits.outputTokens,
    usualOutputTokens: Math.min(config.pricing.maxOutputTokens, config.limits.outputTokens),
  },
})

/** Holds whose owner was lost: what was journalled is charged, the rest goes back. */
async function sweepHolds({ books, world, say }: ComposeParts): Promise<void> {
  const lost = await books.ledger.expire(world.now())
  if (lost.length > 0) say({ event: 'problem', what: 'holds_expired', holds: lost.length })
}

const iso = (ms: number): string => new Date(ms).toISOString()
