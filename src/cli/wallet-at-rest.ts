import { existsSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { onLine } from '../floor/printable.ts'
import type { World } from '../floor/world.ts'
import { Alarm } from '../wallets/ecash/alarm.ts'
import { Roster } from '../wallets/ecash/roster.ts'
import { openAnyKind, toldOf } from './books.ts'
import { askRunningGate } from './control.ts'
import { ecashIn, openCoinsAlone, takeSeed } from './ecash-folder.ts'
import { Failed } from './failed.ts'
import { socketIn, takeFolder } from './folder.ts'
import { openMoneyOut } from './money-out.ts'
import { answerWallet, elsewhere, type WalletQuestion } from './office.ts'
import { type EcashParts, ecashParts } from './open-ecash.ts'

export interface WalletAsking {
  readonly config: Config
  readonly world: World
  /** How far it is, for a person who waits. */
  readonly told: (progress: string) => void
}

/**
 * Asks the wallet of the gate that runs on this folder; where none does, takes the folder's lock and
 * opens coins and seed itself. Throws `Failed`.
 */
export async function askWallet(question: WalletQuestion, asking: WalletAsking): Promise<unknown> {
  const { dataDir } = asking.config
  const asked = { ask: 'wallet', what: question }
  const running = await askRunningGate(socketIn(dataDir), asked, asking.told)
  if (running.ok) return running.value
  if (running.error.why !== 'nobody') throw new Failed(onLine(running.error.why))
  return atRest(question, asking)
}

async function atRest(question: WalletQuestion, asking: WalletAsking): Promise<unknown> {
  const { config, world, told } = asking
  const { dataDir } = config
  const { coins, seed } = ecashIn(dataDir)
  if (!existsSync(coins) && !existsSync(seed)) throw new Failed(noneIn(config))
  const folder = takeFolder(dataDir)
  if (!folder.ok) throw new Failed(`${dataDir} is in use by another process that does not answer`)
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

function noneIn({ wallet, dataDir }: Config): string {
  if (wallet.kind !== 'ecash') return elsewhere(wallet.kind)
  return `there is no ecash wallet in ${dataDir} yet: start the gate once, or name its --data-dir`
}
