import type { DatabaseSync } from 'node:sqlite'
import type { World } from '../floor/world.ts'
import { LedgerDamaged } from './errors.ts'
import type { Drawer, MoneyKind } from './ledger.ts'
import type { Books } from './open-ledger.ts'
import { openDatabase, ownerOf } from './sqlite/database.ts'
import { SqliteInvoices } from './sqlite/invoices.ts'
import { Journal, type OnTrouble } from './sqlite/journal.ts'
import { SqlitePasses } from './sqlite/passes.ts'
import { Pruner } from './sqlite/prune.ts'
import { SqliteStatement } from './sqlite/statement.ts'
import { SqliteStore } from './sqlite/store.ts'
import { Writer } from './sqlite/writer.ts'
import { StoreLedger } from './store-ledger.ts'

export interface SqliteOptions {
  /** The file. It is made if it does not exist. */
  readonly path: string
  readonly kind: MoneyKind
  readonly world: World
  readonly onTrouble?: OnTrouble
}

/**
 * Opens a ledger in a SQLite file. Balances are decided in memory and written soon afterwards. A
 * deposit waits for the disk, a hold does not. Throws `LedgerDamaged`, `LedgerTooNew` or
 * `WrongMoneyKind` (`errors.ts`) if the file must not be used. Only one process may have it open.
 */
export function openSqliteBooks(options: SqliteOptions): Books {
  const { kind, path, world } = options
  const db = openDatabase({ path, kind, now: world.now() })
  try {
    return booksOver(db, options)
  } catch (error) {
    db.close()
    throw new LedgerDamaged(path, `its rows cannot be read: ${error}`, { cause: error })
  }
}

/**
 * Books over a file that `openDatabase` opened. Loads the open holds. Closing the books closes the
 * file.
 */
export function booksOver(
  db: DatabaseSync,
  { kind, onTrouble, path, world }: SqliteOptions,
): Books {
  const owner = ownerOf(db, world.random)
  const writer = new Writer(db)
  const journal = new Journal({
    world,
    write: (group) => writer.write(group),
    onTrouble: onTrouble ?? (() => {}),
  })
  const store = new SqliteStore(db, journal)
  const passes = new SqlitePasses(db, journal)
  const pruner = new Pruner({ world, db, writer, commit: () => journal.commit() })
  return {
    kind,
    ledger: new StoreLedger(store, owner),
    passes,
    invoices: new SqliteInvoices(db, journal, passes),
    statement: new SqliteStatement({
      world,
      path,
      commit: () => journal.commit(),
      inMemory: () => drawersInMemory(store),
    }),
    healthy: () => journal.healthy(),
    flush: () => journal.durable(),
    prune: (before) => pruner.run(before),
    async close() {
      pruner.stop()
      try {
        journal.close()
      } finally {
        db.close()
      }
    },
  }
}

function drawersInMemory(store: SqliteStore): ReadonlyMap<Drawer, bigint> {
  const drawers = new Map<Drawer, bigint>()
  for (const { bonus, held, id, owed, paid } of store.cachedAccounts()) {
    drawers.set(`paid:${id}`, paid).set(`bonus:${id}`, bonus).set(`held:${id}`, held)
    drawers.set(`owed:${id}`, -owed)
  }
  return drawers
}
