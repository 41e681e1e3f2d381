import { DatabaseSync } from 'node:sqlite'
import { type FileKind, openSqliteFile } from '../../floor/sqlite-file.ts'
import type { World } from '../../floor/world.ts'
import { LedgerDamaged, LedgerTooNew, WrongMoneyKind } from '../errors.ts'
import type { MoneyKind, OwnerId } from '../ledger.ts'
import { reading } from './rows.ts'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'

/** Opens ledger files, and refuses files that must not be used. */

export interface OpenOptions {
  readonly path: string
  readonly kind: MoneyKind
  readonly now: number
}

/**
 * Opens a ledger for writing. If there is no file, makes one that only its owner can read. Throws
 * `LedgerDamaged`, `LedgerTooNew` or `WrongMoneyKind`.
 */
export const openDatabase = (options: OpenOptions): DatabaseSync =>
  openSqliteFile(options.path, LEDGER, (db) => {
    bind(db, options)
    balance(db, options.path)
  })

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
  refused(path, unopened) {
    if (unopened.why === 'newer') return new LedgerTooNew(path, unopened.version)
    if (unopened.why === 'foreign')
      return new LedgerDamaged(path, 'it is another program’s database')
    const { cause, detail } = unopened
    return new LedgerDamaged(path, detail ?? (cause as Error).message, { cause })
  },
}

const integer = (db: DatabaseSync, sql: string): bigint =>
  BigInt((Object.values(reading(db, sql).get() ?? {})[0] as bigint | null) ?? 0n)

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

/** Checks the totals, which is cheap. `verify()` proves the rest from the postings. */
function balance(db: DatabaseSync, path: string): void {
  const total = integer(db, 'SELECT sum(balance) FROM drawers')
  if (total !== 0n) throw new LedgerDamaged(path, `its drawers sum up to ${total} msat, not to 0`)
  const held = integer(db, "SELECT sum(balance) FROM drawers WHERE name GLOB 'held:*'")
  const open = integer(db, "SELECT sum(amount) FROM holds WHERE status = 'open'")
  if (held !== open) {
    throw new LedgerDamaged(path, `it holds ${held} msat, its open holds say ${open}`)
  }
  const debt = -integer(db, "SELECT sum(balance) FROM drawers WHERE name GLOB 'owed:*'")
  const owed = integer(db, 'SELECT sum(owed) FROM holds WHERE owed > 0')
  if (debt !== owed) {
    throw new LedgerDamaged(path, `it is owed ${debt} msat, its closed holds say ${owed}`)
  }
}
