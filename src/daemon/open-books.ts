import { unwritable } from '../floor/unwritable.ts'
import type { World } from '../floor/world.ts'
import { LedgerDamaged, LedgerTooNew, WrongMoneyKind } from '../ledger/errors.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import type { Books } from '../ledger/open-ledger.ts'
import { ThreadWriter } from '../ledger/sqlite/thread-writer.ts'
import { openSqliteBooks } from '../ledger/sqlite.ts'
import { Failed } from './failed.ts'
import type { Folder } from './folder.ts'

/** Opens the books of a running gate. Trouble with the disk becomes an event. */
export function openBooks(
  folder: Folder,
  kind: Books['kind'],
  { world, say }: { readonly world: World; readonly say: (event: object) => void },
): Books {
  return openSqliteBooks({
    path: folder.ledger,
    kind,
    world,
    readsOnThread: true,
    writer: (parts) => new ThreadWriter(parts),
    onTrouble: ({ what, solved, detail }) =>
      say(solved ? { event: 'solved', what } : { event: 'problem', what, detail }),
  })
}

/** Opens books whatever their kind of money, which the file itself says. For commands. */
export function openAnyKind(path: string, world: World): Books {
  const open = (kind: MoneyKind) => openSqliteBooks({ path, kind, world })
  try {
    return open('real')
  } catch (error) {
    if (error instanceof WrongMoneyKind) return open(error.kept)
    throw toldOf(error)
  }
}

/**
 * Turns errors of a ledger's file into `Failed` with advice. Other errors are returned as they are.
 */
export function toldOf(error: unknown): unknown {
  if (error instanceof LedgerDamaged) {
    return new Failed(
      `${error.message}. Nothing is served from it. Put a backup of the folder in its place.`,
      4,
    )
  }
  if (error instanceof LedgerTooNew) {
    return new Failed(
      `${error.message}. Start the newer satgate again, or put back the backup of the folder from before the upgrade.`,
      4,
    )
  }
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
