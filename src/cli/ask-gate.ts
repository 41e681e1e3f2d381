import { existsSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { booksAtRest, walletAtRest } from '../daemon/at-rest.ts'
import { ecashSettings, kindsOf } from '../daemon/configured-wallets.ts'
import { askRunningGate } from '../daemon/control.ts'
import { elsewhere, type Question, type WalletQuestion } from '../daemon/control-handlers.ts'
import { ecashIn } from '../daemon/ecash-folder.ts'
import { Failed } from '../daemon/failed.ts'
import { ledgerIn, socketIn } from '../daemon/folder.ts'
import type { Host } from '../daemon/host.ts'
import { type NamedTest, testAtRest } from '../daemon/wallet-tests.ts'
import { onLine } from '../floor/printable.ts'
import { unitOf } from '../money/unit.ts'
import type { Invocation } from './commands/command.ts'
import { type FolderStatus, noLedger, statusLines, statusOf, tilde } from './folder-status.ts'

/** ms. Progress is printed only for what takes longer. */
const PATIENCE = 1_000

/** What the books answered, and the unit of their money in tables. */
export interface Answer {
  readonly answer: unknown
  readonly unit: string
  readonly status: FolderStatus
}

/**
 * Asks the gate that runs on the data folder. If none does, takes the lock of the folder and reads
 * the ledger itself. Says on stderr which books these are. Throws `Failed`.
 */
export async function askBooks(invocation: Invocation, question: Question): Promise<Answer> {
  const { host } = invocation
  const folder = invocation.load().config.dataDir
  const status = await statusOf(folder)
  if (!status.running && !existsSync(ledgerIn(folder))) {
    throw new Failed(await noLedger(status, host))
  }
  host.stderr.write(await statusLines('books', status, host))
  const began = host.world.elapsed()
  const told = (progress: string) => {
    if (host.world.elapsed() - began >= PATIENCE) host.stderr.write(`  ${onLine(progress)}\n`)
  }
  const answer = status.running
    ? await askRunning(folder, question, told)
    : await booksAtRest(folder, question, { world: host.world, told })
  return { answer, unit: unitOf(status.money), status }
}

/**
 * Asks the gate that runs on the data folder about its wallet. If none does, takes the lock of the
 * folder and opens coins and seed itself. Says on stderr which wallet this is. Throws `Failed`.
 */
export async function askWallet(
  question: WalletQuestion,
  invocation: Invocation,
): Promise<{ readonly answer: unknown; readonly unit: string }> {
  const { host } = invocation
  const { config } = invocation.load()
  const { dataDir } = config
  const status = await statusOf(dataDir)
  if (!status.running && !hasWallet(dataDir)) throw new Failed(await noneIn(config, status, host))
  host.stderr.write(await statusLines('wallet', status, host))
  const told = (progress: string) => host.stderr.write(`  ${onLine(progress)}\n`)
  const unit = unitOf(status.money)
  if (!status.running) {
    return { answer: await walletAtRest(question, { config, world: host.world, told }), unit }
  }
  return { answer: await askRunning(dataDir, { ask: 'wallet', what: question }, told), unit }
}

/**
 * Tests the wallets: asks the gate that runs on the data folder, or opens them itself. Says on stderr
 * which of the two. Throws `Failed`.
 */
export async function askWalletTest(invocation: Invocation): Promise<readonly NamedTest[]> {
  const { host } = invocation
  const { config } = invocation.load()
  const status = await statusOf(config.dataDir)
  host.stderr.write(await statusLines('wallet', status, host))
  if (!status.running) return testAtRest({ config, world: host.world })
  return (await askRunning(config.dataDir, { ask: 'wallet_test' })) as readonly NamedTest[]
}

async function askRunning(
  folder: string,
  question: Question,
  told?: (progress: string) => void,
): Promise<unknown> {
  const answered = await askRunningGate(socketIn(folder), question, told)
  if (answered.ok) return answered.value
  throw new Failed(whyNoAnswer(answered.error.why))
}

/** Why a gate that runs gave no answer. */
const whyNoAnswer = (why: string): string =>
  why === 'nobody' ? 'the gate has stopped meanwhile: try again' : onLine(why)

const hasWallet = (dataDir: string): boolean => {
  const { coins, seed } = ecashIn(dataDir)
  return existsSync(coins) || existsSync(seed)
}

/** Why there is no wallet in a folder, and which one was perhaps meant. */
async function noneIn(config: Config, status: FolderStatus, host: Host): Promise<string> {
  if (ecashSettings(config) === undefined) return elsewhere(kindsOf(config))
  if (!existsSync(ledgerIn(status.folder))) return noLedger(status, host)
  return `there is no ecash wallet in ${tilde(status.folder, host)}: its gate keeps no ecash`
}
