import type { Config } from '../config/config.ts'
import { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import { ledgerKind } from '../ledger/kind.ts'
import type { Books } from '../ledger/open-ledger.ts'
import { findBackend } from './backend.ts'
import { backUp } from './choose-ecash.ts'
import { Failed } from './failed.ts'
import { type Folder, ledgerIn, noteIfCopied, rootKeys } from './folder.ts'
import type { Host } from './host.ts'
import { openBooks } from './open-books.ts'
import { chooseWallets } from './open-wallet.ts'
import { openX402, tellUnwatchedPayments } from './open-x402.ts'
import type { Operator } from './operator.ts'
import { openPrices } from './prices.ts'
import { openBeside, receiverOf } from './receiving.ts'
import type { Cleanup } from './stop.ts'
import { chooseTunnel, type TunnelChance } from './tunnel-choice.ts'
import { tellUnwatched } from './unwatched-invoices.ts'
import { tellWaiting } from './wallet-check.ts'

/** How a gate is started, besides its settings. */
export interface RunOptions {
  readonly operator: Operator
  /** A person may be asked, if one sits at the terminal. */
  readonly mayAsk: boolean
  readonly portChosen: boolean
  /** Start although buyers may still pay invoices of a wallet that is no longer configured. */
  readonly yes: boolean
}

export interface Starting {
  readonly folder: Folder
  /** To the operator, and counted. */
  readonly say: (event: object) => void
  readonly options: RunOptions
  /** Everything that is opened adds its closer here, so that a failed start closes all of it. */
  readonly closers: Cleanup[]
  /** What is known about the tunnel before the kind of money is known. */
  readonly chance: TunnelChance
}

/** Opens everything that a gate is composed of: wallet, backend, books, keys, prices. */
export async function openParts(
  host: Host,
  config: Config,
  { folder, say, options, closers, chance }: Starting,
) {
  const { world } = host
  const background = new Background(world, ({ work, solved, reason }) =>
    say(
      solved
        ? { event: 'solved', what: 'background_failed', work }
        : { event: 'problem', what: 'background_failed', work, reason },
    ),
  )
  const choice = await chooseWallets(config, {
    folder: folder.path,
    kept: ledgerKind(folder.ledger),
    say,
    waiting: tellWaiting({ host, say, wallet: config.wallets[0]?.kind ?? '' }),
    world,
    background,
  })
  const beside =
    choice.ecash === null ? await openBeside(config, folder.path, { world, say }) : null
  const ecash = choice.ecash ?? beside
  if (ecash !== null) closers.push(() => ecash.folder.close())
  const backend = await findBackend(config, world)
  closers.push(() => backend.upstream.close())
  const books = openBooks(folder, choice.money, { world, say })
  closers.push(() => books.close())
  const copied = await noteIfCopied(folder, books.invoices, background)
  const keys = keysFor(folder, books, world)
  const recovered = await books.ledger.recover(world.now())
  if (recovered.length > 0) {
    say({ event: 'problem', what: 'holds_recovered', holds: recovered.length })
  }
  const prices = await openPrices(config, { world, background, say })
  closers.push(prices.stop)
  const { money } = choice
  const tunnel = await chooseTunnel(host, chance, {
    ...{ folder, money, mayAsk: options.mayAsk },
    explain: options.operator.explain,
  })
  const { wallets, play } = await choice.open(books.invoices)
  await tellUnwatched({
    ...{ invoices: books.invoices, wallets, say, world, yes: options.yes },
  }).catch(async (error: unknown) => {
    await choice.close()
    throw error
  })
  const taking = { wallets, money, world, background, say }
  const receiver = ecash === null ? null : receiverOf(config, ecash, taking)
  const dollars = config.rails.x402
  const x402 =
    dollars === null ? null : await openX402(dollars, folder.path, { world, background, say })
  if (x402 !== null) closers.push(() => x402.close())
  else tellUnwatchedPayments(folder.path, say)
  return {
    ...{ background, backend, books, copied, keys, prices, tunnel, wallets, play, ecash, money },
    ...{ receiver, x402 },
    walletNotes: [...choice.notes, ...(beside?.folder.fresh === true ? [backUp(folder.path)] : [])],
  }
}

function keysFor(folder: Folder, books: Books, world: World) {
  const keys = rootKeys(folder.path, books.hasAccounts(), world)
  if (keys.ok) return keys.value
  throw new Failed(
    `${keys.error.path} is ${keys.error.why}, and ${ledgerIn(folder.path)} has accounts: without that key every pass that was sold is dead. Put it back from your backup.`,
    4,
  )
}
