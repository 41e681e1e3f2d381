import type { DatabaseSync } from 'node:sqlite'
import { type FileKind, openSqliteFile } from '../../floor/sqlite-file.ts'
import { APPLICATION_ID, MIGRATIONS } from './x402-schema.ts'

/** The payments in dollars cannot be read. No dollars are taken then, and the message says what helps. */
export class X402Damaged extends Error {
  override readonly name = 'X402Damaged'
}

/**
 * Opens `x402.db`. If there is none, makes one that only its owner can read. What is committed is on
 * disk (`synchronous = FULL`). Throws `X402Damaged`.
 */
export const openX402File = (path: string): DatabaseSync => openSqliteFile(path, X402, () => {})

const X402: FileKind = {
  applicationId: APPLICATION_ID,
  migrations: MIGRATIONS,
  pragmas: 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL',
  timeout: 2_000,
  // Payments are rows of 1.6 kB that stay for ever: reading all of them would delay a start.
  checkedUpTo: 64 * 1024 * 1024,
  refused(path, unopened) {
    if (unopened.why === 'damaged') {
      const { cause, detail } = unopened
      const how = detail === null ? '' : `: ${detail}`
      return new X402Damaged(`${path} is damaged${how}. Put it back from your backup`, { cause })
    }
    return new X402Damaged(
      unopened.why === 'foreign'
        ? `${path} is another program’s database. Move it away, and put back ${path} from your backup`
        : `${path} was written by a newer satgate, and this one does not know what its rows mean. Start the newer satgate again, or put back the backup of the folder from before the upgrade`,
    )
  },
}
