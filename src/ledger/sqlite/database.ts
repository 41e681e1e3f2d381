import { DatabaseSync } from 'node:sqlite'
import { type FileKind, openSqliteFile } from '../../floor/sqlite-file.ts'
import type { World } from '../../floor/world.ts'
import { LedgerDamaged, LedgerTooNew, WrongMoneyKind } from '../errors.ts'
import type { MoneyKind, OwnerId } from '../ledger.ts'
import { reading } from './rows.ts'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'

/** Opens ledger files, and refuses the ones that must not be served from. */

export interface OpenOptions {
  readonly path: string
  readonly kind: MoneyKind
  readonly now: number
}

/**
 * Opens a ledger for writing; makes it if there is none, readable by its owner only. Throws
 * `LedgerDamaged`, `LedgerTooNew` or `WrongMoneyKind`.
 */
export const openDatabase = (options: OpenOptions): DatabaseSync =>
  openSqliteFile(options.path, LEDGER, (db) => {
    bind(db, options)
    balance(db, options.path)
  })

/** A second connection that sees one moment of the file, whatever is written meanwhile. */
export function openSnapshot(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 100 })
  db.exec('BEGIN')
  db.prepare('SELECT one FROM book').get()
  return db
}

/**
 * Synchronous FULL: what is committed is on disk. References are checked by `verify`, not with every
 * row: four look-ups for each posting cost more than the posting.
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
  // Waiting for another process's lock stops every stream here: a failed commit is retried later.
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

/** A new ledger takes its kind of money; an old one insists on its own (threats I9). */
function bind(db: DatabaseSync, { kind, now, path }: OpenOptions): void {
  db.prepare(
    'INSERT INTO book (one, kind, created_at) VALUES (1, ?, ?) ON CONFLICT DO NOTHING',
  ).run(kind, now)
  const kept = db.prepare('SELECT kind FROM book').get()?.kind as MoneyKind
  if (kept !== kind) throw new WrongMoneyKind(path, { kept, asked: kind })
}

/**
 * The gate that owns the holds of this file: it is named when the file is made, and keeps its name.
 * A file from before holds had owners belongs to one gate as well: its open holds become that one's.
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

/** The totals, which cost little; `verify()` proves the rest from the postings. */
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
