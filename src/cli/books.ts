import { existsSync } from 'node:fs'
import { onLine } from '../floor/printable.ts'
import { unwritable } from '../floor/unwritable.ts'
import type { World } from '../floor/world.ts'
import type { Books } from '../ledger/books.ts'
import { LedgerDamaged, LedgerTooNew, WrongMoneyKind } from '../ledger/errors.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import { openSqliteBooks } from '../ledger/sqlite.ts'
import { askRunningGate } from './control.ts'
import { Failed } from './failed.ts'
import { ledgerIn, rootKeys, socketIn, takeFolder } from './folder.ts'
import { openOffice, type Question } from './office.ts'

/**
 * Asks the gate that runs on this folder; where none does, takes the folder's lock and answers from
 * the file itself. Throws `Failed`.
 */
export async function askBooks(folder: string, question: Question, world: World): Promise<unknown> {
  const running = await askRunningGate(socketIn(folder), question)
  if (running.ok) return running.value
  if (running.error.why !== 'nobody') throw new Failed(onLine(running.error.why))
  return atRest(folder, question, world)
}

async function atRest(path: string, question: Question, world: World): Promise<unknown> {
  const fresh = !existsSync(ledgerIn(path))
  if (fresh) {
    throw new Failed(
      `there is no ledger in ${path} yet: start the gate once, or name its --data-dir`,
    )
  }
  const folder = takeFolder(path)
  if (!folder.ok) throw new Failed(`${path} is in use by another process that does not answer`)
  try {
    const books = openAnyKind(folder.value.ledger, world)
    const keys = rootKeys(path, true)
    if (!keys.ok) throw new Failed(`${keys.error.path} is ${keys.error.why}`)
    const answer = await openOffice({ books, keys: keys.value, world })(question)
    await books.close()
    return answer
  } finally {
    folder.value.unlock()
  }
}

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
  if (error instanceof LedgerTooNew) return new Failed(error.message)
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
