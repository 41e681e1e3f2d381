import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Background } from '../floor/background.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { Invoices } from '../ledger/invoices.ts'
import { keyId } from '../passes/keys.ts'
import type { RootKeys } from '../rails/issue.ts'

/** The data folder: `ledger.db`, `root.key`, `control.sock` and the lock of who runs on it. */
export interface Folder {
  readonly path: string
  readonly ledger: string
  readonly socket: string
  unlock(): void
}

export const ledgerIn = (path: string): string => join(path, 'ledger.db')
export const socketIn = (path: string): string => join(path, 'control.sock')

/**
 * Takes the folder for this process. The lock is the kernel's, on a file of its own: it goes with
 * the process, so `kill -9` frees the folder. Refuses where another process has it.
 */
export function takeFolder(path: string): Result<Folder, 'in_use'> {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const lock = new DatabaseSync(join(path, 'lock'))
  try {
    // Nothing is written: a full disk must not look like another process (J12).
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
 * The root key of every macaroon, made once (0600). Beside a ledger that has accounts it is never
 * made anew: every pass that was sold would be dead.
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
  const text = readFileSync(path, 'utf8').trim()
  if (!/^[0-9a-f]{64}$/.test(text)) return err({ path, why: 'unreadable' })
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
  const master = Buffer.from(text, 'hex')
  const id = keyId(master)
  return ok({ current: { id, master }, byId: (asked) => (asked === id ? master : null) })
}

/** The ledger file's own mark, which no copy of it keeps. */
export function ledgerMark(ledger: string): string {
  const { ino, birthtimeMs } = statSync(ledger)
  return `${ino}:${Math.floor(birthtimeMs)}`
}

/**
 * What to say of a folder that is not the one it was: a backup that was put back, or a copy. Null for
 * one that stayed where it is, by the mark of its ledger file. A start does not
 * wait until it is written: the disk may be full.
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
