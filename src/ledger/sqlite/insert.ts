import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { JsonCell } from './group.ts'

/** Rows in one statement. Half of the time for a row is spent on its statement. */
const MANY = 16

/** Inserts rows into one table, several in one statement if there are many. */
export class Insert {
  readonly #one: StatementSync
  readonly #many: StatementSync
  readonly #width: number

  /** `into` is `table (columns)`; `conflict` is the text after the values. */
  constructor(db: DatabaseSync, into: { table: string; columns: string[]; conflict?: string }) {
    const { columns, conflict = '', table } = into
    const row = `(${columns.map(() => '?').join(', ')})`
    const sql = (rows: number) =>
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${Array(rows).fill(row).join(', ')} ${conflict}`
    this.#one = db.prepare(sql(1))
    this.#many = db.prepare(sql(MANY))
    this.#width = columns.length
  }

  /** `cells` are those of one row after those of another. */
  all(cells: readonly JsonCell[]): void {
    const many = this.#width * MANY
    let at = 0
    for (; at + many <= cells.length; at += many) this.#many.run(...cells.slice(at, at + many))
    for (; at < cells.length; at += this.#width) {
      this.#one.run(...cells.slice(at, at + this.#width))
    }
  }
}
