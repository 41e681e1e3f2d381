import type { Config } from '../config/config.ts'
import type { Loaded } from '../config/load.ts'
import { dialects } from '../dialects/index.ts'
import { onLine } from '../floor/printable.ts'
import { sayError } from '../floor/say-error.ts'
import { Counts } from '../gate/counts.ts'
import { startMetrics } from '../http/metrics.ts'
import { gateServer } from '../http/server.ts'
import { TokenCounter } from '../money/counter.ts'
import { compose } from './compose.ts'
import { kindsOf } from './configured-wallets.ts'
import { listenForCommands } from './control.ts'
import { controlHandlers } from './control-handlers.ts'
import { openPayments } from './control-payments.ts'
import { Failed } from './failed.ts'
import { type Folder, takeFolder } from './folder.ts'
import type { Host } from './host.ts'
import { listenOrFail } from './listen-or-fail.ts'
import { openMoneyOut } from './money-out.ts'
import { toldOf } from './open-books.ts'
import { openParts, type RunOptions, type Starting } from './open-parts.ts'
import { openPublicTunnel } from './public-tunnel.ts'
import { routesOf } from './routes.ts'
import { type Cleanup, closeAll, stopGate } from './stop.ts'
import { noTunnelNote, tunnelChance } from './tunnel-choice.ts'
import { checkFacilitator, checkWallets } from './wallet-check.ts'

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

async function start(
  host: Host,
  config: Config,
  starting: Starting & { readonly counts: Counts },
): Promise<Running> {
  const { world } = host
  const { folder, say, counts, options, closers } = starting
  const opened = await openParts(host, config, starting)
  const { background, backend, books, prices, tunnel, wallets, ecash, money } = opened
  let url = ''
  const moneyOut = ecash === null ? null : openMoneyOut(ecash, { books, config, world, say })
  const gate = compose({
    ...{ config, books, keys: opened.keys, wallets, play: opened.play, world, background, say },
    ...{ receiver: opened.receiver, x402: opened.x402, usdPerBtc: prices.usdPerBtc },
    ...{ upstream: backend.upstream, models: backend.models, backend, pricing: prices.pricing },
    routes: (targets) => routesOf(dialects, config.mode, targets, config.dialects.translate),
    ...{ ecash: moneyOut, copied: opened.copied !== null },
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
  const admin = moneyOut?.admin ?? null
  const wallet = kindsOf(config)
  const { gifts, restored } = gate
  const payments = openPayments(folder.path, { opened: opened.x402, rail: gate.x402 })
  const handlers = controlHandlers({
    ...{ books, keys: opened.keys, gifts, world, admin, wallet, wallets, restored, payments },
  })
  const control = await listenForCommands(world, folder.socket, handlers)
  closers.push(() => control.close())
  const metrics = await startMetrics(
    config.metrics,
    { gate, books, counts, x402: opened.x402, logDropped: options.operator.dropped },
    background,
  )
  closers.push(() => metrics.close())
  await Promise.all([
    checkWallets(gate.wallets, { world, say, background }),
    checkFacilitator(opened.x402?.facilitator ?? null, world),
  ])
  const payout = moneyOut?.start(background)
  if (payout !== undefined) closers.push(() => payout.stop())
  const reached = { host, config, gate, say, background }
  const reach = tunnel.program === null ? null : await openPublicTunnel(tunnel, reached)
  if (reach !== null) closers.push(() => reach.close())
  // If the tunnel is down, an event has said so already.
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
      ...{ config, backend, url, wallets, money },
      pricing: prices.pricing,
      publicUrl: config.publicUrl ?? reach?.publicUrl ?? null,
      tunnel: { state: reach?.state ?? 'off', why: tunnel.why },
      notes: [
        ...(reachNote === null ? [] : [reachNote]),
        ...opened.walletNotes,
        ...MODE_NOTES[config.mode],
        ...(config.dialects.keyPath ? [KEY_PATH_NOTE] : []),
        ...(opened.copied === null ? [] : [opened.copied]),
        ...port.taken.map((taken) => `port ${taken} was taken`),
        ...(prices.rateNote === null ? [] : [prices.rateNote]),
      ],
    })
  return { url, announce: ready, stop, lost }
}

const KEY_PATH_NOTE =
  'a pass may stand in a path, /k/<pass>/api/chat (dialects.keyPath): proxies and clients write paths into logs, and whoever reads those can spend the pass'

/** What a mode other than `charge` means, said once at the start. */
const MODE_NOTES = {
  charge: [],
  control: ['mode control: requests need a pass with credit, and nothing is sold'],
  observe: [
    'mode observe: nobody is charged, and the log says what would have been. Without a pass only this machine is served',
  ],
} as const

function open(config: Config): Folder {
  const folder = takeFolder(config.dataDir)
  if (folder.ok) return folder.value
  throw new Failed(
    `another gate runs on ${config.dataDir}. Stop it, or give this one a --data-dir of its own.`,
  )
}
