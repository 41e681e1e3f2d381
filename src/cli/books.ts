import { existsSync } from 'node:fs'
import { askRunningGate } from '../daemon/control.ts'
import { openOffice, type Question } from '../daemon/control-handlers.ts'
import { Failed } from '../daemon/failed.ts'
import { ledgerIn, rootKeys, socketIn, takeFolder } from '../daemon/folder.ts'
import { onLine } from '../floor/printable.ts'
import { unwritable } from '../floor/unwritable.ts'
import type { World } from '../floor/world.ts'
import type { Books } from '../ledger/books.ts'
import { LedgerDamaged, LedgerTooNew, WrongMoneyKind } from '../ledger/errors.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import { openSqliteBooks } from '../ledger/sqlite.ts'
import { unitOf } from '../money/unit.ts'
import type { Asked } from './commands/command.ts'
import { lookAt, noLedger, type Scope, scopeLines } from './scope.ts'

/** What the books answered, and the unit of their money in tables. */
export interface Answer {
  readonly answer: unknown
  readonly unit: string
  readonly scope: Scope
}

/**
 * Asks the gate that runs on the data folder; if none does, takes the folder's lock and answers from
 * the file itself. Says on stderr which books these are. Throws `Failed`.
 */
export async function askBooks(asked: Asked, question: Question): Promise<Answer> {
  const { host } = asked
  const folder = asked.load().config.dataDir
  const scope = await lookAt(folder)
  if (!scope.running && !existsSync(ledgerIn(folder))) {
    throw new Failed(await noLedger(scope, host))
  }
  host.stderr.write(await scopeLines('books', scope, host))
  const answer = scope.running
    ? await askRunning(folder, question)
    : await atRest(folder, question, host.world)
  return { answer, unit: unitOf(scope.money), scope }
}

async function askRunning(folder: string, question: Question): Promise<unknown> {
  const answered = await askRunningGate(socketIn(folder), question)
  if (answered.ok) return answered.value
  throw new Failed(whyNoAnswer(answered.error.why))
}

/** Why a gate that runs gave no answer. */
export const whyNoAnswer = (why: string): string =>
  why === 'nobody' ? 'the gate has stopped meanwhile: try again' : onLine(why)

async function atRest(path: string, question: Question, world: World): Promise<unknown> {
  const folder = takeFolder(path)
  if (!folder.ok) throw new Failed(busy(path))
  try {
    const books = openAnyKind(folder.value.ledger, world)
    const keys = rootKeys(path, true)
    if (!keys.ok)
      throw new Failed(
        `${keys.error.path} is ${keys.error.why}. Put it back from your backup: without it no pass works`,
      )
    const answer = await openOffice({ books, keys: keys.value, world })(question)
    await books.close()
    return answer
  } finally {
    folder.value.unlock()
  }
}

/** Why a folder cannot be taken. */
export const busy = (path: string): string =>
  `another process uses ${path} and does not answer. If a gate is starting or stopping there, try again in a moment`

/** Book commands take the kind of money from the ledger. */
export function openAnyKind(path: string, world: World): Books {
  const open = (kind: MoneyKind) => openSqliteBooks({ path, kind, world })
  try {
    return open('real')
  } catch (error) {
    if (error instanceof WrongMoneyKind) return open(error.kept)
    throw toldOf(error)
  }
}

/** Errors of a ledger file as what the operator is told. Anything else stays as it is. */
export function toldOf(error: unknown): unknown {
  if (error instanceof LedgerDamaged) {
    return new Failed(
      `${error.message}. Nothing is served from it. Put a backup of the folder in its place.`,
      4,
    )
  }
  if (error instanceof LedgerTooNew) {
    return new Failed(
      `${error.message}. Start the newer satgate again, or put back the backup of the folder from before the upgrade.`,
      4,
    )
  }
  if (error instanceof WrongMoneyKind) {
    return new Failed(
      `${error.message}. Money of different kinds is never mixed: use another --data-dir.`,
    )
  }
  const why = unwritable(error)
  return why === null
    ? error
    : new Failed(`the data folder cannot be written: ${why}. Is the disk full, or read-only?`)
}
