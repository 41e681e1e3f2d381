import { DatabaseSync } from 'node:sqlite'
import { type FileKind, openSqliteFile, sizeOf } from '../../floor/sqlite-file.ts'
import type { World } from '../../floor/world.ts'
import { LedgerDamaged, LedgerTooNew, WrongMoneyKind } from '../errors.ts'
import type { MoneyKind, OwnerId } from '../ledger.ts'
import { checkDrawers, checkTotals } from './check.ts'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'

/** Opens ledger files, and refuses files that must not be used. */

export interface OpenOptions {
  readonly path: string
  readonly kind: MoneyKind
  readonly now: number
}

/** Bytes. A ledger up to this size is checked whole in a few ms, so it is, whenever it is opened. */
const SMALL = 16_000_000

/** Whether a file is so large that `openDatabase` has checked its totals alone. */
export const isLarge = (db: DatabaseSync): boolean => sizeOf(db) > SMALL

/** Whether the ledger was closed in order when it was open last, with all of its rows. */
export const wasClean = (db: DatabaseSync): boolean =>
  db.prepare('SELECT clean FROM book').get()?.clean === 1

/**
 * Opens a ledger for writing. If there is no file, makes one that only its owner can read. Throws
 * `LedgerDamaged`, `LedgerTooNew` or `WrongMoneyKind`.
 */
export const openDatabase = (options: OpenOptions): DatabaseSync =>
  openSqliteFile(options.path, LEDGER, (db) => {
    bind(db, options)
    const wrong = checkTotals(db) ?? (isLarge(db) ? null : checkDrawers(db))
    if (wrong !== null) throw new LedgerDamaged(options.path, wrong)
  })

/** Opens a connection that writes to a file which `openDatabase` has opened. */
export function openForWriter(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: LEDGER.timeout })
  db.exec(PRAGMAS)
  return db
}

/** Opens a second connection. It sees the file as it is at one moment, whatever is written meanwhile. */
export function openSnapshot(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 100 })
  db.exec('BEGIN')
  db.prepare('SELECT one FROM book').get()
  return db
}

/**
 * Synchronous FULL: after a commit the rows are on disk. References are checked by `verify` and not
 * for every row, because the four look-ups for each posting would cost more than the posting.
 */
const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = OFF;
  PRAGMA wal_autocheckpoint = 4000;
`

const LEDGER: FileKind = {
  applicationId: APPLICATION_ID,
  migrations: MIGRATIONS,
  pragmas: PRAGMAS,
  // ms. Waiting for the lock of another process would stop every stream here, so this is short. A
  // failed commit is tried again later.
  timeout: 100,
  checkedUpTo: SMALL,
  refused(path, unopened) {
    if (unopened.why === 'newer') return new LedgerTooNew(path, unopened.version)
    if (unopened.why === 'foreign')
      return new LedgerDamaged(path, 'it is another program’s database')
    const { cause, detail } = unopened
    return new LedgerDamaged(path, detail ?? (cause as Error).message, { cause })
  },
}

/** A new ledger stores its kind of money. An old one refuses any other kind (threats I9). */
function bind(db: DatabaseSync, { kind, now, path }: OpenOptions): void {
  db.prepare(
    'INSERT INTO book (one, kind, created_at) VALUES (1, ?, ?) ON CONFLICT DO NOTHING',
  ).run(kind, now)
  const kept = db.prepare('SELECT kind FROM book').get()?.kind as MoneyKind
  if (kept !== kind) throw new WrongMoneyKind(path, { kept, asked: kind })
}

/**
 * The gate that owns the holds of this file. Its name is made once, with the file. A file from
 * before holds had owners gets a name now, and its open holds get this owner.
 */
export function ownerOf(db: DatabaseSync, random: World['random']): OwnerId {
  const kept = db.prepare('SELECT owner FROM book').get()?.owner
  if (typeof kept === 'string') return kept
  const owner = Buffer.from(random(4)).toString('hex')
  db.exec('BEGIN IMMEDIATE')
  db.prepare("UPDATE holds SET owner = ? WHERE status = 'open'").run(owner)
  db.prepare('UPDATE book SET owner = ?').run(owner)
  db.exec('COMMIT')
  return owner
}
