import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'

/**
 * The coins cannot be read, or belong to another seed. Nothing is done with them, and the message
 * says what helps.
 */
export class EcashDamaged extends Error {
  override readonly name = 'EcashDamaged'
}

/**
 * Opens the file of the ecash wallet. If there is none, it makes one that only its owner can read.
 * `seedMark` names the seed of its coins, because with another seed they could not be restored.
 * Null if the seed is lost; the coins in the file can be spent all the same. Throws `EcashDamaged`.
 */
export function openEcashFile(options: {
  readonly path: string
  readonly seedMark: string | null
  readonly now: number
}): DatabaseSync {
  const { path, seedMark, now } = options
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600))
  const db = new DatabaseSync(path, { timeout: 2_000 })
  try {
    readable(path, () => {
      identify(db, path)
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
      const check = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0]
      if (check !== 'ok') throw damaged(path, `: ${String(check)}`)
      migrate(db)
      if (seedMark !== null) bind(db, { path, seedMark, now })
    })
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

const damaged = (path: string, how: string, cause?: unknown): EcashDamaged =>
  new EcashDamaged(`${path} is damaged${how}. Put it back from your backup`, { cause })

/** SQLITE_CORRUPT and SQLITE_NOTADB: https://www.sqlite.org/rescode.html */
const DAMAGED = new Set([11, 26])

function readable(path: string, read: () => void): void {
  try {
    read()
  } catch (error) {
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
    if (!DAMAGED.has(code)) throw error
    throw damaged(path, '', error)
  }
}

const number = (db: DatabaseSync, sql: string): number =>
  Number(Object.values(db.prepare(sql).get() ?? {})[0])

const version = (db: DatabaseSync): number => number(db, 'PRAGMA user_version')

/** Checks, before anything is written, that the file is ours or empty. */
function identify(db: DatabaseSync, path: string): void {
  if (version(db) === 0 && number(db, 'SELECT count(*) FROM sqlite_schema') === 0) return
  if (number(db, 'PRAGMA application_id') !== APPLICATION_ID) {
    throw new EcashDamaged(
      `${path} is another program’s database. Move it away, and put back ${path} from your backup`,
    )
  }
  if (version(db) > MIGRATIONS.length) {
    throw new EcashDamaged(
      `${path} was written by a newer satgate, and this one does not know what its rows mean. Start the newer satgate again, or put back the backup of the folder from before the upgrade`,
    )
  }
}

/** Runs each step in its own transaction, so a crash leaves a complete version. */
function migrate(db: DatabaseSync): void {
  for (let at = version(db); at < MIGRATIONS.length; at++) {
    db.exec(`BEGIN IMMEDIATE; PRAGMA application_id = ${APPLICATION_ID}`)
    db.exec(`${MIGRATIONS[at]}; PRAGMA user_version = ${at + 1}; COMMIT`)
  }
}

function bind(
  db: DatabaseSync,
  {
    path,
    seedMark,
    now,
  }: { readonly path: string; readonly seedMark: string; readonly now: number },
): void {
  db.prepare('INSERT INTO wallet VALUES (1, ?, ?) ON CONFLICT DO NOTHING').run(seedMark, now)
  if (db.prepare('SELECT seed_mark FROM wallet').get()?.seed_mark === seedMark) return
  throw new EcashDamaged(
    `${path} holds coins of another seed than the one beside it. Put the file of that seed back from your backup`,
  )
}
