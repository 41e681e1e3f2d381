import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type GroupRows, groupRows } from './group-text.ts'
import { Insert } from './insert.ts'
import { type JobInput, type JobName, type JobOutput, type Jobs, jobsOver } from './jobs.ts'
import { HOLD_CHANGES, HOLD_COLUMNS, INVOICE_COLUMNS, PASS_COLUMNS } from './rows.ts'

/** Writes to the file in transactions: all of a transaction or, by throwing, nothing. */
export class Writer {
  readonly #db: DatabaseSync
  readonly #into: ReturnType<typeof inserts>
  readonly #move: StatementSync
  readonly #forget: StatementSync
  readonly #forgetPass: StatementSync
  readonly #version: StatementSync
  readonly #seen: unknown
  #jobs: Jobs | null = null

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#into = inserts(db)
    this.#move = db.prepare('UPDATE drawers SET balance = balance + ? WHERE n = ?')
    this.#forget = db.prepare(
      'DELETE FROM lightning_invoices WHERE hash = ? AND settled_at IS NULL',
    )
    this.#forgetPass = db.prepare('DELETE FROM passes WHERE hash = ? AND used_at IS NULL')
    this.#version = db.prepare('PRAGMA data_version')
    this.#seen = this.#dataVersion()
  }

  /** `group` is a text of `group-text.ts`. */
  write(group: string): void {
    const rows = groupRows(group)
    this.#transaction(() => this.#rows(rows))
  }

  run<K extends JobName>(job: K, input: JobInput<K>): JobOutput<K> {
    this.#jobs ??= jobsOver(this.#db)
    const work = this.#jobs[job] as (input: JobInput<K>) => JobOutput<K>
    return this.#transaction(() => work(input))
  }

  #transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      this.#ownedByUs()
      const done = work()
      this.#db.exec('COMMIT')
      return done
    } catch (error) {
      // A COMMIT that fails because the disk is full has rolled back already.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  /**
   * Balances are decided in memory. If another process wrote to the same file, both would spend the
   * same money. So nothing is committed any more, and no request is admitted.
   */
  #ownedByUs(): void {
    if (this.#dataVersion() !== this.#seen) throw new Error('another process wrote to this ledger')
  }

  #dataVersion(): unknown {
    return this.#version.get()?.data_version
  }

  /** Rows are written before the rows that refer to them. */
  #rows(group: GroupRows): void {
    const into = this.#into
    into.accounts.all(group.accounts)
    into.drawers.all(group.drawers)
    into.deposits.all(group.deposits)
    into.holds.all(group.holds)
    into.postings.all(group.postings)
    for (let at = 0; at < group.moves.length; at += 2) {
      // As a bigint, because SQLite adds a number of JavaScript as a fraction.
      this.#move.run(BigInt(group.moves[at + 1] ?? 0), group.moves[at] ?? null)
    }
    into.meters.all(group.meters)
    into.passes.all(group.passes)
    into.invoices.all(group.invoices)
    for (const hash of group.forgotten) {
      if (this.#forget.run(hash).changes > 0) this.#forgetPass.run(hash)
    }
    into.facts.all(group.facts)
  }
}

const inserts = (db: DatabaseSync) => ({
  accounts: new Insert(db, { table: 'accounts', columns: ['n', 'id', 'created_at'] }),
  drawers: new Insert(db, { table: 'drawers', columns: ['n', 'name'] }),
  deposits: new Insert(db, { table: 'deposits', columns: DEPOSIT_COLUMNS }),
  holds: new Insert(db, { table: 'holds', columns: HOLD_COLUMNS, conflict: HOLD_CHANGES }),
  postings: new Insert(db, { table: 'postings', columns: POSTING_COLUMNS }),
  meters: new Insert(db, {
    table: 'meters',
    columns: ['key', 'used', 'held'],
    conflict: 'ON CONFLICT (key) DO UPDATE SET used = excluded.used, held = excluded.held',
  }),
  passes: new Insert(db, {
    table: 'passes',
    columns: PASS_COLUMNS,
    conflict:
      'ON CONFLICT (hash) DO UPDATE SET token_id = excluded.token_id, used_at = excluded.used_at',
  }),
  invoices: new Insert(db, {
    table: 'lightning_invoices',
    columns: INVOICE_COLUMNS,
    conflict: 'ON CONFLICT (hash) DO UPDATE SET settled_at = excluded.settled_at',
  }),
  facts: new Insert(db, {
    table: 'facts',
    columns: ['key', 'value'],
    conflict: 'ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  }),
})

const DEPOSIT_COLUMNS =
  'n payment account amount credit rail native_amount native_unit native_rate at'.split(' ')

const POSTING_COLUMNS = 'n entry at why deposit hold debit credit amount'.split(' ')
