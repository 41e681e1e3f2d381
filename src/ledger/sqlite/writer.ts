import type { DatabaseSync } from 'node:sqlite'
import type { World } from '../../floor/world.ts'
import { holdsWriter } from './earned.ts'
import { type GroupRows, groupRows } from './group-text.ts'
import { Insert } from './insert.ts'
import { type JobInput, type JobName, type JobOutput, type Jobs, jobsOver } from './jobs.ts'
import { INVOICE_COLUMNS, PASS_COLUMNS, ROTATION_COLUMNS } from './rows.ts'
import {
  DEPOSIT_CHANGES,
  DEPOSIT_COLUMNS,
  WITHDRAWAL_CHANGES,
  WITHDRAWAL_COLUMNS,
} from './withdrawal-rows.ts'

/** One opening of the ledger, by which the file knows whose groups it has. */
export interface Opening {
  readonly writer: string
  /** How many groups the file had when it was opened. */
  readonly groups: number
}

/** An opening that is about to begin. It writes nothing. */
export function openingOf(db: DatabaseSync, random: World['random']): Opening {
  const { groups } = lastOf(db.prepare(LAST).get())
  return { writer: Buffer.from(random(8)).toString('hex'), groups }
}

/** Writes to the file in transactions: all of a transaction or, by throwing, nothing. */
export class Writer {
  readonly #db: DatabaseSync
  readonly #opening: Opening
  readonly #into: ReturnType<typeof inserts>
  readonly #sql: ReturnType<typeof statements>
  readonly #seen: unknown
  #jobs: Jobs | null = null

  constructor(db: DatabaseSync, opening: Opening) {
    this.#db = db
    this.#opening = opening
    this.#into = inserts(db)
    this.#sql = statements(db)
    this.#seen = this.#dataVersion()
  }

  /**
   * Writes group `n` of this opening, counted from 1. `group` is a text of `group-text.ts`. A group
   * that is in the file already is not written again: all that was lost is its answer.
   */
  write(group: string, n: number): void {
    const rows = groupRows(group)
    const { groups, writer } = this.#opening
    this.#transaction(() => {
      const last = lastOf(this.#sql.last.get())
      if (last.writer === writer && last.groups === groups + n) return
      if (last.groups !== groups + n - 1) throw new Error(FOREIGN)
      this.#rows(rows)
      this.#sql.wrote.run(groups + n, writer)
    })
  }

  run<K extends JobName>(job: K, input: JobInput<K>): JobOutput<K> {
    this.#jobs ??= jobsOver(this.#db)
    const work = this.#jobs[job] as (input: JobInput<K>) => JobOutput<K>
    return this.#transaction(() => {
      this.#sql.began.run(this.#opening.writer)
      return work(input)
    })
  }

  /** Notes that this opening ends in order, if it wrote anything. */
  finish(): void {
    this.#transaction(() => this.#sql.finished.run(this.#opening.writer))
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
   * same money. So nothing is committed any more, and no request is admitted. SQLite tells whether
   * another connection wrote since this one was opened; a group's number tells it of the time before.
   */
  #ownedByUs(): void {
    if (this.#dataVersion() !== this.#seen) throw new Error(FOREIGN)
  }

  #dataVersion(): unknown {
    return this.#sql.version.get()?.data_version
  }

  /** Rows are written before the rows that refer to them. */
  #rows(group: GroupRows): void {
    const into = this.#into
    into.accounts.all(group.accounts)
    into.drawers.all(group.drawers)
    into.deposits.all(group.deposits)
    into.holds(group.holds)
    into.postings.all(group.postings)
    into.withdrawals.all(group.withdrawals)
    into.withdrawalPostings.all(group.withdrawalPostings)
    for (let at = 0; at < group.moves.length; at += 2) {
      // As a bigint, because SQLite adds a number of JavaScript as a fraction.
      this.#sql.move.run(BigInt(group.moves[at + 1] ?? 0), group.moves[at] ?? null)
    }
    into.meters.all(group.meters)
    into.passes.all(group.passes)
    into.invoices.all(group.invoices)
    for (const hash of group.forgotten) {
      if (this.#sql.forget.run(hash).changes > 0) this.#sql.forgetPass.run(hash)
    }
    into.facts.all(group.facts)
    into.revoked.all(group.revoked)
    into.rotations.all(group.rotations)
  }
}

const FOREIGN = 'another process wrote to this ledger'

const LAST = 'SELECT last_group, last_writer FROM book'

const lastOf = (row: Record<string, unknown> | undefined) => ({
  groups: Number(row?.last_group),
  writer: row?.last_writer,
})

const statements = (db: DatabaseSync) => ({
  version: db.prepare('PRAGMA data_version'),
  last: db.prepare(LAST),
  wrote: db.prepare('UPDATE book SET last_group = ?, last_writer = ?, clean = 0'),
  began: db.prepare(
    'UPDATE book SET last_writer = ?1, clean = 0 WHERE clean = 1 OR last_writer IS NOT ?1',
  ),
  finished: db.prepare('UPDATE book SET clean = 1 WHERE last_writer = ?'),
  move: db.prepare('UPDATE drawers SET balance = balance + ? WHERE n = ?'),
  forget: db.prepare('DELETE FROM lightning_invoices WHERE hash = ? AND settled_at IS NULL'),
  forgetPass: db.prepare('DELETE FROM passes WHERE hash = ? AND used_at IS NULL'),
})

const inserts = (db: DatabaseSync) => ({
  accounts: new Insert(db, { table: 'accounts', columns: ['n', 'id', 'created_at'] }),
  drawers: new Insert(db, { table: 'drawers', columns: ['n', 'name'] }),
  deposits: new Insert(db, {
    table: 'deposits',
    columns: DEPOSIT_COLUMNS,
    conflict: DEPOSIT_CHANGES,
  }),
  holds: holdsWriter(db),
  postings: new Insert(db, { table: 'postings', columns: POSTING_COLUMNS }),
  withdrawals: new Insert(db, {
    table: 'withdrawals',
    columns: WITHDRAWAL_COLUMNS,
    conflict: WITHDRAWAL_CHANGES,
  }),
  withdrawalPostings: new Insert(db, {
    table: 'withdrawal_postings',
    columns: WITHDRAWAL_POSTING_COLUMNS,
  }),
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
  revoked: new Insert(db, {
    table: 'revoked_passes',
    columns: ['name', 'account', 'at'],
    conflict: 'ON CONFLICT (name) DO NOTHING',
  }),
  rotations: new Insert(db, {
    table: 'rotations',
    columns: ROTATION_COLUMNS,
    conflict: `ON CONFLICT (account) DO UPDATE SET
      ${ROTATION_COLUMNS.map((name) => `${name} = excluded.${name}`).join(', ')}`,
  }),
})

const POSTING_COLUMNS = 'n entry at why deposit hold debit credit amount'.split(' ')

const WITHDRAWAL_POSTING_COLUMNS = 'n entry at why withdrawal debit credit amount'.split(' ')
