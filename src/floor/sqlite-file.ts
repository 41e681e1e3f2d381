import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/** Why a file is not opened. Nothing was written to it. */
export type Unopened =
  | { readonly why: 'damaged'; readonly detail: string | null; readonly cause?: unknown }
  | { readonly why: 'foreign' }
  | { readonly why: 'newer'; readonly version: number }

/** What a kind of SQLite file is. */
export interface FileKind {
  /** Tells it from another program's file, and from our own files of another kind. */
  readonly applicationId: number
  /** `migrations[v]` takes a file from `user_version` v to v + 1. */
  readonly migrations: readonly string[]
  readonly pragmas: string
  /** ms that a statement waits for the lock of another process. The whole process waits with it. */
  readonly timeout: number
  /**
   * Bytes. The structure of a larger file is not checked when it is opened, because that reads all of
   * it.
   */
  readonly checkedUpTo: number
  /** The error to throw. */
  refused(path: string, unopened: Unopened): Error
}

/**
 * Opens a file of that kind. If there is none, makes one that only its owner can read. `check`
 * makes further tests before the file is used. Throws what `refused` makes of the reason.
 */
export function openSqliteFile(
  path: string,
  kind: FileKind,
  check: (db: DatabaseSync) => void,
): DatabaseSync {
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600))
  const db = new DatabaseSync(path, { timeout: kind.timeout })
  try {
    identify(db, path, kind)
    db.exec(kind.pragmas)
    inspect(db, path, kind)
    migrate(db, kind)
    check(db)
    return db
  } catch (error) {
    db.close()
    if (!isDamage(error)) throw error
    throw kind.refused(path, { why: 'damaged', detail: null, cause: error })
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB: https://www.sqlite.org/rescode.html */
const DAMAGED = new Set([11, 26])

/** Whether SQLite found that the file itself is wrong. */
export const isDamage = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && DAMAGED.has(Number(error.errcode) & 0xff)

const number = (db: DatabaseSync, sql: string): number =>
  Number(Object.values(db.prepare(sql).get() ?? {})[0])

const version = (db: DatabaseSync): number => number(db, 'PRAGMA user_version')

/** The file is of this kind, or empty and about to be. This is known before anything is written. */
function identify(db: DatabaseSync, path: string, kind: FileKind): void {
  const at = version(db)
  if (at === 0 && number(db, 'SELECT count(*) FROM sqlite_schema') === 0) return
  if (number(db, 'PRAGMA application_id') !== kind.applicationId) {
    throw kind.refused(path, { why: 'foreign' })
  }
  if (at > kind.migrations.length) throw kind.refused(path, { why: 'newer', version: at })
}

/** Bytes of the file. */
export const sizeOf = (db: DatabaseSync): number =>
  number(db, 'PRAGMA page_count') * number(db, 'PRAGMA page_size')

function inspect(db: DatabaseSync, path: string, kind: FileKind): void {
  if (sizeOf(db) > kind.checkedUpTo) return
  const answer = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0]
  if (answer === 'ok') return
  throw kind.refused(path, { why: 'damaged', detail: String(answer) })
}

/** Each step has a transaction of its own: a crash between two leaves a version that is whole. */
function migrate(db: DatabaseSync, { applicationId, migrations }: FileKind): void {
  for (let at = version(db); at < migrations.length; at++) {
    db.exec(`BEGIN IMMEDIATE; PRAGMA application_id = ${applicationId}`)
    db.exec(`${migrations[at]}; PRAGMA user_version = ${at + 1}; COMMIT`)
  }
}
