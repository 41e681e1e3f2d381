import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Background } from '../floor/background.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { Invoices } from '../ledger/invoices.ts'
import { type RootKeys, rootKeysOf } from '../passes/write.ts'

/** The data folder: `ledger.db`, `root.key`, `control.sock`, and the lock of its gate. */
export interface Folder {
  readonly path: string
  readonly ledger: string
  readonly socket: string
  unlock(): void
}

export const ledgerIn = (path: string): string => join(path, 'ledger.db')
export const socketIn = (path: string): string => join(path, 'control.sock')

/**
 * Takes the folder for this process. We hold an exclusive SQLite transaction on the file `lock`.
 * The operating system releases it when the process ends, even after `kill -9`, so a stale lock is
 * impossible. Refuses if another process has the lock.
 */
export function takeFolder(path: string): Result<Folder, 'in_use'> {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const lock = new DatabaseSync(join(path, 'lock'))
  try {
    // The journal is in memory, so nothing is written: a full disk must not look like another
    // process (J12).
    lock.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch {
    lock.close()
    return err('in_use')
  }
  return ok({
    path,
    ledger: ledgerIn(path),
    socket: socketIn(path),
    unlock: () => lock.close(),
  })
}

/**
 * Reads the root keys of all macaroons, and makes one if there is no file (mode 0600). If the ledger
 * has accounts, it never makes one: all passes that were sold would become invalid. A file with several
 * lines has the key for new passes in the first, and older keys whose passes are still good below
 * (threats C12).
 */
export function rootKeys(
  folder: string,
  hasAccounts: boolean,
  { random }: Pick<World, 'random'>,
): Result<RootKeys, { readonly path: string; readonly why: 'missing' | 'unreadable' }> {
  const path = join(folder, 'root.key')
  if (!existsSync(path)) {
    if (hasAccounts) return err({ path, why: 'missing' })
    writeFileSync(path, `${Buffer.from(random(32)).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  }
  const [first = '', ...older] = readFileSync(path, 'utf8')
    .trim()
    .split(/\s*\n\s*/)
  const wrong = [first, ...older].some((line) => !/^[0-9a-f]{64}$/.test(line))
  if (wrong || older.length > MOST_OLDER) return err({ path, why: 'unreadable' })
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
  const bytes = (line: string) => Buffer.from(line, 'hex')
  return ok(rootKeysOf(bytes(first), ...older.map(bytes)))
}

/** Older root keys. A strange macaroon costs a signature with each. */
const MOST_OLDER = 15

/** Inode and birth time of the ledger's file. A copy of the file has others. */
export function ledgerMark(ledger: string): string {
  const { ino, birthtimeMs } = statSync(ledger)
  return `${ino}:${Math.floor(birthtimeMs)}`
}

/**
 * A note for the operator if this folder is a copy or a restored backup, which it sees by the mark
 * of the ledger's file. Otherwise null. The start does not wait until the new mark is written,
 * because the disk may be full.
 */
export async function noteIfCopied(
  folder: Pick<Folder, 'ledger' | 'path'>,
  invoices: Pick<Invoices, 'recall' | 'remember'>,
  background: Background,
): Promise<string | null> {
  const mark = ledgerMark(folder.ledger)
  const kept = await invoices.recall(MARK)
  if (kept === mark) return null
  background.once('folder mark', () => invoices.remember(MARK, mark))
  return kept === null
    ? null
    : `${folder.path} is a copy. What happened since it was made is not known here: passes that were sold since do not work, credit that was spent since is there again. Let no other gate run on the original`
}

const MARK = 'folder:mark'
