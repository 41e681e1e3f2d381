import type { DatabaseSync } from 'node:sqlite'
import { type FileKind, openSqliteFile } from '../../../floor/sqlite-file.ts'
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
  return openSqliteFile(path, ECASH, (db) => {
    if (seedMark !== null) bind(db, { path, seedMark, now })
  })
}

const ECASH: FileKind = {
  applicationId: APPLICATION_ID,
  migrations: MIGRATIONS,
  pragmas: 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON',
  timeout: 2_000,
  checkedUpTo: Number.POSITIVE_INFINITY,
  refused(path, unopened) {
    if (unopened.why === 'damaged') {
      const { cause, detail } = unopened
      const how = detail === null ? '' : `: ${detail}`
      const message = `${path} is damaged${how}. Put it back from your backup`
      return new EcashDamaged(message, { cause })
    }
    return new EcashDamaged(
      unopened.why === 'foreign'
        ? `${path} is another program’s database. Move it away, and put back ${path} from your backup`
        : `${path} was written by a newer satgate, and this one does not know what its rows mean. Start the newer satgate again, or put back the backup of the folder from before the upgrade`,
    )
  },
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
