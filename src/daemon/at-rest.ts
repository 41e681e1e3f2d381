import { existsSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import type { World } from '../floor/world.ts'
import { Deposits } from '../gate/deposits.ts'
import { Tiers } from '../money/tiers.ts'
import { Gifts } from '../rails/gifts.ts'
import { Freeze } from '../wallets/ecash/freeze.ts'
import { Mints } from '../wallets/ecash/mints.ts'
import { Swapper } from '../wallets/ecash/spend/swap.ts'
import { ecashSettings, kindsOf } from './configured-wallets.ts'
import {
  answerWallet,
  controlHandlers,
  type Question,
  type WalletQuestion,
} from './control-handlers.ts'
import { openPayments } from './control-payments.ts'
import { openCoinsAlone, takeSeed } from './ecash-folder.ts'
import { Failed } from './failed.ts'
import { rootKeys, takeFolder } from './folder.ts'
import { openMoneyOut } from './money-out.ts'
import { openAnyKind, toldOf } from './open-books.ts'
import { type EcashParts, ecashParts } from './open-ecash.ts'

/** Answers about the books of a folder on which no gate runs. Throws `Failed`. */
export async function booksAtRest(
  path: string,
  question: Question,
  { told, world }: Pick<AtRest, 'world' | 'told'>,
): Promise<unknown> {
  const folder = takeFolder(path)
  if (!folder.ok) throw new Failed(busy(path))
  try {
    const books = openAnyKind(folder.value.ledger, world)
    const keys = rootKeys(path, true, world)
    if (!keys.ok)
      throw new Failed(
        `${keys.error.path} is ${keys.error.why}. Put it back from your backup: without it no pass works`,
      )
    const gifts = new Gifts(world.random)
    const deposits = new Deposits({
      ...books,
      keys: keys.value,
      world,
      say: () => {},
      tiers: new Tiers([]),
    })
    gifts.start((receipt) => deposits.credit(receipt))
    const parts: unknown[] = []
    const part = async (rows: readonly unknown[]) => {
      for (const row of rows) parts.push(row)
    }
    const payments = openPayments(path, null)
    const known = { books, gifts, keys: keys.value, world, payments }
    const answer = await controlHandlers(known)(question, {
      told,
      part,
    })
    await books.close()
    return Array.isArray(answer) ? [...parts, ...answer] : answer
  } finally {
    folder.value.unlock()
  }
}

interface AtRest {
  readonly config: Config
  readonly world: World
  /** Reports progress to a person who waits. */
  readonly told: (progress: string) => void
}

/** Answers about the wallet of a folder on which no gate runs. Throws `Failed`. */
export async function walletAtRest(
  question: WalletQuestion,
  { config, world, told }: AtRest,
): Promise<unknown> {
  const { dataDir } = config
  const folder = takeFolder(dataDir)
  if (!folder.ok) throw new Failed(busy(dataDir))
  const closers: (() => void | Promise<void>)[] = [() => folder.value.unlock()]
  try {
    const { ledger } = folder.value
    const books = existsSync(ledger) ? openAnyKind(ledger, world) : null
    if (books !== null) closers.push(() => books.close())
    const mints = ecashSettings(config)?.mints ?? []
    const others = config.rails.cashu?.mints ?? []
    const say = () => {}
    const lost =
      question.do === 'export' && !takeSeed(dataDir, { hasCoins: true, random: world.random }).ok
    const ecash = lost
      ? coinsAlone(dataDir, world)
      : await ecashParts(dataDir, { mints, others }, { world, say })
    closers.push(() => ecash.store.close())
    for (const { mint } of ecash.mints.all) closers.push(() => mint.close())
    const { admin } = openMoneyOut(ecash, { books, config, world, say })
    return await answerWallet({ admin, wallet: kindsOf(config) }, question, told)
  } catch (error) {
    throw toldOf(error)
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

/** Without its seed a folder can still export the coins that it has. */
function coinsAlone(
  dataDir: string,
  world: World,
): Pick<EcashParts, 'store' | 'mints' | 'freeze' | 'swapper'> {
  const store = openCoinsAlone(dataDir, world.now())
  const mints = new Mints({ all: [], store, world, say: () => {} })
  const freeze = new Freeze(store)
  return { store, mints, freeze, swapper: new Swapper({ store, freeze, world }) }
}

/** Why a folder cannot be taken. */
const busy = (path: string): string =>
  `another process uses ${path} and does not answer. If a gate is starting or stopping there, try again in a moment`
