import { existsSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { askRunningGate } from '../daemon/control.ts'
import { answerWallet, elsewhere, type WalletQuestion } from '../daemon/control-handlers.ts'
import { ecashIn, openCoinsAlone, takeSeed } from '../daemon/ecash-folder.ts'
import { Failed } from '../daemon/failed.ts'
import { ledgerIn, socketIn, takeFolder } from '../daemon/folder.ts'
import { openMoneyOut } from '../daemon/money-out.ts'
import { type EcashParts, ecashParts } from '../daemon/open-ecash.ts'
import { onLine } from '../floor/printable.ts'
import type { World } from '../floor/world.ts'
import { unitOf } from '../money/unit.ts'
import { Alarm } from '../wallets/ecash/alarm.ts'
import { Roster } from '../wallets/ecash/roster.ts'
import { busy, openAnyKind, toldOf, whyNoAnswer } from './books.ts'
import type { Asked } from './commands/command.ts'
import type { Host } from './host.ts'
import { lookAt, noLedger, type Scope, scopeLines, tilde } from './scope.ts'

/**
 * Asks the wallet of the gate that runs on the data folder; if none does, takes the folder's lock and
 * opens coins and seed itself. Says on stderr which wallet this is, and answers with the unit of its
 * money. Throws `Failed`.
 */
export async function askWallet(
  question: WalletQuestion,
  asked: Asked,
): Promise<{ readonly answer: unknown; readonly unit: string }> {
  const { host } = asked
  const { config } = asked.load()
  const { dataDir } = config
  const scope = await lookAt(dataDir)
  if (!scope.running && !hasWallet(dataDir)) throw new Failed(await noneIn(config, scope, host))
  host.stderr.write(await scopeLines('wallet', scope, host))
  const told = (progress: string) => host.stderr.write(`  ${onLine(progress)}\n`)
  const unit = unitOf(scope.money)
  if (!scope.running) {
    return { answer: await atRest(question, { config, world: host.world, told }), unit }
  }
  const answered = await askRunningGate(socketIn(dataDir), { ask: 'wallet', what: question }, told)
  if (answered.ok) return { answer: answered.value, unit }
  throw new Failed(whyNoAnswer(answered.error.why))
}

const hasWallet = (dataDir: string): boolean => {
  const { coins, seed } = ecashIn(dataDir)
  return existsSync(coins) || existsSync(seed)
}

interface AtRest {
  readonly config: Config
  readonly world: World
  /** How far it is, for a person who waits. */
  readonly told: (progress: string) => void
}

async function atRest(question: WalletQuestion, { config, world, told }: AtRest): Promise<unknown> {
  const { dataDir } = config
  const folder = takeFolder(dataDir)
  if (!folder.ok) throw new Failed(busy(dataDir))
  const closers: (() => void | Promise<void>)[] = [() => folder.value.unlock()]
  try {
    const { ledger } = folder.value
    const books = existsSync(ledger) ? openAnyKind(ledger, world) : null
    if (books !== null) closers.push(() => books.close())
    const mints = config.wallet.kind === 'ecash' ? config.wallet.mints : []
    const say = () => {}
    const lost = question.do === 'export' && !takeSeed(dataDir, { hasCoins: true }).ok
    const ecash = lost
      ? coinsAlone(dataDir, world)
      : await ecashParts(dataDir, { mints }, { world, say })
    closers.push(() => ecash.store.close())
    for (const { mint } of ecash.roster.lines) closers.push(() => mint.close())
    const { desk } = openMoneyOut(ecash, { books, config, world, say })
    return await answerWallet({ desk, wallet: config.wallet.kind }, question, told)
  } catch (error) {
    throw toldOf(error)
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

/** Without its seed a folder can still give away the coins it has. */
function coinsAlone(dataDir: string, world: World): Pick<EcashParts, 'store' | 'roster' | 'alarm'> {
  const store = openCoinsAlone(dataDir, world.now())
  const roster = new Roster({ lines: [], store, world, say: () => {} })
  return { store, roster, alarm: new Alarm(store) }
}

/** Why there is no wallet in a folder, and which one was perhaps meant. */
async function noneIn({ wallet }: Config, scope: Scope, host: Host): Promise<string> {
  if (wallet.kind !== 'ecash') return elsewhere(wallet.kind)
  if (!existsSync(ledgerIn(scope.folder))) return noLedger(scope, host)
  return `there is no ecash wallet in ${tilde(scope.folder, host)}: its gate keeps no ecash`
}
