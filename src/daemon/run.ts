import type { Config } from '../config/config.ts'
import type { Loaded } from '../config/load.ts'
import { dialects } from '../dialects/index.ts'
import { isLoopback } from '../floor/address.ts'
import { Background } from '../floor/background.ts'
import { onLine } from '../floor/printable.ts'
import { sayError } from '../floor/say-error.ts'
import type { World } from '../floor/world.ts'
import { Counts } from '../gate/counts.ts'
import { startMetrics } from '../http/metrics.ts'
import { gateServer } from '../http/server.ts'
import type { Books } from '../ledger/books.ts'
import { ledgerKind } from '../ledger/kind.ts'
import { TokenCounter } from '../money/counter.ts'
import { kindOf } from '../wallets/kinds.ts'
import { findBackend } from './backend.ts'
import { compose } from './compose.ts'
import { listenForCommands } from './control.ts'
import { controlHandlers } from './control-handlers.ts'
import { Failed } from './failed.ts'
import { type Folder, ledgerIn, noteIfCopied, rootKeys, takeFolder } from './folder.ts'
import type { Host } from './host.ts'
import { listenOrFail } from './listen-or-fail.ts'
import { openMoneyOut } from './money-out.ts'
import { openBooks, toldOf } from './open-books.ts'
import { chooseWallet } from './open-wallet.ts'
import type { Operator } from './operator.ts'
import { openPrices } from './prices.ts'
import { openPublicTunnel } from './public-tunnel.ts'
import { routesOf } from './routes.ts'
import { type Cleanup, closeAll, stopGate } from './stop.ts'
import { chooseTunnel, noTunnelNote, type TunnelChance, tunnelChance } from './tunnel-choice.ts'
import { tellUnwatched } from './unwatched-invoices.ts'
import { checkWallet, tellWaiting } from './wallet-check.ts'

/** A gate that runs. */
export interface Running {
  readonly url: string
  /** Says that the gate is ready. By then somebody has to listen for the signals that stop it. */
  announce(): void
  /** Refuses new requests, lets streams finish for the grace period, settles, closes the books. */
  stop(): Promise<void>
  /** Says what nobody handled, and stops. */
  lost(error: unknown): Promise<void>
}

/** How a gate is started, besides its settings. */
export interface RunOptions {
  readonly operator: Operator
  /** A person may be asked, if one sits at the terminal. */
  readonly mayAsk: boolean
  readonly portChosen: boolean
  /** Go on although invoices may be paid that no wallet of this gate answers for. */
  readonly yes: boolean
}

/** Starts the gate as configured. Throws `Failed` with what to do about it. */
export async function startGate(
  host: Host,
  { config, notes }: Loaded,
  options: RunOptions,
): Promise<Running> {
  const counts = new Counts()
  const say = (event: object) => {
    counts.see(event)
    options.operator.say(event)
  }
  for (const note of notes) host.stderr.write(`satgate: ${onLine(note)}\n`)
  refusePlayInPublic(config)
  refuseWithoutRail(config)
  const chance = await tunnelChance(host, config)
  const folder = open(config)
  const closers: Cleanup[] = [() => folder.unlock()]
  try {
    const running = await start(host, config, {
      ...{ folder, say, counts, options, closers, chance },
    })
    return running
  } catch (error) {
    await closeAll(closers).catch(() => undefined)
    throw toldOf(error)
  }
}

interface Starting {
  readonly folder: Folder
  /** To the operator, and counted. */
  readonly say: (event: object) => void
  readonly counts: Counts
  readonly options: RunOptions
  readonly closers: Cleanup[]
  /** Whether the gate may become public, as far as it is known before the wallet. */
  readonly chance: TunnelChance
}

async function start(
  host: Host,
  config: Config,
  { folder, say, counts, options, closers, chance }: Starting,
): Promise<Running> {
  const { world } = host
  const background = new Background(world, ({ work, solved, reason }) =>
    say(
      solved
        ? { event: 'solved', what: 'background_failed', work }
        : { event: 'problem', what: 'background_failed', work, reason },
    ),
  )
  const choice = await chooseWallet(config, {
    folder: folder.path,
    kept: ledgerKind(folder.ledger),
    say,
    waiting: tellWaiting({ host, say, wallet: config.wallet.kind }),
    world,
    background,
  })
  const { ecash } = choice
  if (ecash !== null) closers.push(() => ecash.folder.close())
  const backend = await findBackend(config, world)
  closers.push(() => backend.upstream.close())
  const books = openBooks(folder, choice.money, { world, say })
  closers.push(() => books.close())
  const copied = await noteIfCopied(folder, books.invoices, background)
  const keys = await keysFor(folder, books, world)
  const recovered = await books.ledger.recover(world.now())
  if (recovered.length > 0) {
    say({ event: 'problem', what: 'holds_recovered', holds: recovered.length })
  }
  const { pricing, rateNote, stop: stopRate } = await openPrices(config, world, background)
  closers.push(stopRate)
  const { money } = choice
  const tunnel = await chooseTunnel(host, chance, {
    ...{ folder, money, mayAsk: options.mayAsk },
    explain: options.operator.explain,
  })
  let url = ''
  const { wallet, play } = choice.open(books.invoices)
  await tellUnwatched({
    ...{ invoices: books.invoices, wallet, answers: choice.answers, say },
    ...{ world, yes: options.yes },
  }).catch(async (error: unknown) => {
    await wallet.close()
    throw error
  })
  const gate = compose({
    config,
    books,
    keys,
    wallet,
    play,
    upstream: backend.upstream,
    models: backend.models,
    backend,
    pricing,
    world,
    background,
    say,
    routes: (targets) => routesOf(dialects, config.mode, targets),
    ownUrl: () => url,
    counter: new TokenCounter(),
  })
  closers.push(() => gate.close())
  const server = gateServer(gate.entrance.listener, gate.entrance)
  const port = await listenOrFail(server, config, options.portChosen)
  server.on('error', (error) => background.failed('listener', error))
  closers.push(() => {
    server.close()
  })
  url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port.port}`
  const moneyOut = ecash === null ? null : openMoneyOut(ecash, { books, config, world, say })
  const desk = moneyOut?.desk ?? null
  const handlers = controlHandlers({ books, gifts: gate.gifts, world, desk, wallet: wallet.kind })
  const control = await listenForCommands(world, folder.socket, handlers)
  closers.push(() => control.close())
  const metrics = await startMetrics(config.metrics, { gate, books, counts }, background)
  closers.push(() => metrics.close())
  await checkWallet(gate, { world, wallet, say, background })
  const payout = moneyOut?.start(background)
  if (payout !== undefined) closers.push(() => payout.stop())
  const reached = { host, config, gate, say, background }
  const reach = tunnel.program === null ? null : await openPublicTunnel(tunnel, reached)
  if (reach !== null) closers.push(() => reach.close())
  // An event has told of a tunnel that is down.
  const reachNote = reach?.state === 'down' ? null : (reach?.note ?? noTunnelNote(tunnel, folder))
  let stopping: Promise<void> | null = null
  const stop = () => {
    stopping ??= stopGate({ world, gate, books, server, reach, config, counts, say, closers })
    return stopping
  }
  const lost = (error: unknown) => {
    say({ event: 'problem', what: 'fatal', reason: sayError(error) })
    return stop()
  }
  const ready = () =>
    options.operator.ready({
      config,
      backend,
      pricing,
      url,
      publicUrl: config.publicUrl ?? reach?.publicUrl ?? null,
      tunnel: { state: reach?.state ?? 'off', why: tunnel.why },
      wallet,
      money,
      notes: [
        ...(reachNote === null ? [] : [reachNote]),
        ...choice.notes,
        ...MODE_NOTES[config.mode],
        ...(copied === null ? [] : [copied]),
        ...port.taken.map((taken) => `port ${taken} was taken`),
        ...(rateNote === null ? [] : [rateNote]),
      ],
    })
  return { url, announce: ready, stop, lost }
}

/** What a mode other than `charge` means, said once at the start. */
const MODE_NOTES = {
  charge: [],
  control: ['mode control: requests need a pass with credit, and nothing is sold'],
  observe: [
    'mode observe: nobody is charged, and the log says what would have been. Without a pass only this machine is served',
  ],
} as const

function refusePlayInPublic(config: Config): void {
  if (kindOf(config.wallet.kind)?.isPlay !== true) return
  if (config.publicUrl !== null) {
    throw new Failed('play money is worth nothing: it takes no --public-url', 2)
  }
  if (!isLoopback(config.host)) {
    throw new Failed(
      `play money is worth nothing and --host ${config.host} is not this machine alone`,
      2,
    )
  }
}

/** With no rail there is nothing to be paid by, and nothing is given away for want of one. */
function refuseWithoutRail({ rails }: Config): void {
  if (rails.l402) return
  throw new Failed('rails.l402 is false and no other rail is there yet: nobody could pay', 2)
}

function open(config: Config): Folder {
  const folder = takeFolder(config.dataDir)
  if (folder.ok) return folder.value
  throw new Failed(
    `another gate runs on ${config.dataDir}. Stop it, or give this one a --data-dir of its own.`,
  )
}

async function keysFor(folder: Folder, books: Books, world: World) {
  const accounts = await books.statement.accounts(1)
  const keys = rootKeys(folder.path, accounts.length > 0, world)
  if (keys.ok) return keys.value
  throw new Failed(
    `${keys.error.path} is ${keys.error.why}, and ${ledgerIn(folder.path)} has accounts: without that key every pass that was sold is dead. Put it back from your backup.`,
    4,
  )
}
