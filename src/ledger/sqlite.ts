import type { DatabaseSync } from 'node:sqlite'
import type { World } from '../floor/world.ts'
import { LedgerDamaged } from './errors.ts'
import type { MoneyKind } from './ledger.ts'
import type { Books } from './open-ledger.ts'
import { archive } from './sqlite/archive.ts'
import { ARCHIVED } from './sqlite/archive-steps.ts'
import { isLarge, openDatabase, ownerOf, wasClean } from './sqlite/database.ts'
import type { GroupWriter, WriterParts } from './sqlite/group-writer.ts'
import { InlineWriter } from './sqlite/inline-writer.ts'
import { SqliteInvoices } from './sqlite/invoices.ts'
import { Journal, type OnTrouble } from './sqlite/journal.ts'
import { SqlitePasses } from './sqlite/passes.ts'
import { prune } from './sqlite/prune.ts'
import { readHere, readOnThread } from './sqlite/reader.ts'
import { SqliteRevocations } from './sqlite/revocations.ts'
import { SqliteStatement } from './sqlite/statement.ts'
import { Steps } from './sqlite/steps.ts'
import { SqliteStore } from './sqlite/store.ts'
import { openingOf } from './sqlite/writer.ts'
import { StoreLedger } from './store-ledger.ts'
import { StoreWithdrawals } from './store-withdrawals.ts'

export interface SqliteOptions {
  /** The file. It is made if it does not exist. */
  readonly path: string
  readonly kind: MoneyKind
  readonly world: World
  readonly onTrouble?: OnTrouble
  /** Makes what writes to the file. Unless said, that is done on this thread. */
  readonly writer?: (parts: WriterParts) => GroupWriter
  /**
   * Reads for statements on a thread of its own, as a running gate must. Without it they are read
   * here, and nothing else happens meanwhile.
   */
  readonly readsOnThread?: boolean
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
  { kind, onTrouble, path, readsOnThread = false, world, ...options }: SqliteOptions,
): Books {
  const isUnchecked = isLarge(db) && !wasClean(db)
  const owner = ownerOf(db, world.random)
  const opening = openingOf(db, world.random)
  const onGone = (why: Error | null) => journal.writerGone(why)
  const parts = { world, path, db, opening, onGone }
  const writer = options.writer?.(parts) ?? new InlineWriter(parts)
  const journal = new Journal({ world, writer, onTrouble: onTrouble ?? (() => {}) })
  const flush = () => journal.flush()
  const store = new SqliteStore(db, journal)
  const ledger = new StoreLedger(store, owner)
  const withdrawals = new StoreWithdrawals(store)
  const passes = new SqlitePasses(db, journal)
  const revocations = new SqliteRevocations(db, journal)
  const steps = new Steps({ world, writer, flush })
  const invoices = new SqliteInvoices(db, journal, passes)
  const statement = new SqliteStatement({
    world,
    start: () => (readsOnThread ? readOnThread(path) : readHere(path)),
    flush,
    postAll: () => ledger.postAll(),
    still: (read) => journal.still(read),
    onDisk: () => store.onDisk(),
  })
  let isDamaged = false
  let isInDoubt = isUnchecked
  return {
    kind,
    ledger,
    passes,
    revocations,
    invoices,
    withdrawals,
    statement,
    hasAccounts: () => store.hasAccounts(),
    healthy: () => !isDamaged && journal.healthy(),
    damaged: () => isDamaged,
    async check() {
      const wrong = isUnchecked ? await statement.check() : null
      isDamaged ||= wrong !== null
      isInDoubt = wrong !== null
      return wrong
    },
    flush: () => journal.durable(),
    prune: (before) => prune(steps, before),
    archive: (before, told = () => {}) => archive(steps, before, told),
    async archivedUpTo() {
      const fact = await invoices.recall(ARCHIVED)
      return fact === null ? null : Number(fact)
    },
    async close() {
      steps.stop()
      let clean = false
      try {
        ledger.postAll()
        await journal.close()
        // A file that was not checked to its end is checked again at the next start.
        clean = !isInDoubt
      } finally {
        // Last among what is asked to end, because a reader ends only after its current query.
        await statement.close()
        // The connection that is closed last moves the rows from the log to the file.
        await writer.close(clean)
        db.close()
      }
    },
  }
}
