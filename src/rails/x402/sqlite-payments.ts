import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'
import { assert } from '../../floor/assert.ts'
import type { AccountId, PaymentId } from '../../ledger/ledger.ts'
import { type MicroUsd, microUsd } from '../../money/usd.ts'
import type { X402Payments, X402Row } from './payments.ts'
import { paymentIn, paymentText, requirementIn, requirementText } from './row-text.ts'
import { openX402File } from './x402-file.ts'

/**
 * Refused rows are of no use but to find out that one was refused before, and strangers can make as many
 * as they like without money. The oldest ones beyond these are deleted.
 */
const REFUSED_KEPT = 1_000

/** The payments in dollars on disk, in `x402.db`. Each method is one transaction. */
export class SqliteX402Payments implements X402Payments {
  readonly db: DatabaseSync
  readonly #statements: Readonly<Record<keyof typeof SQL, StatementSync>>
  #outstanding: bigint

  /** `path` may be `:memory:`. Throws `X402Damaged`. */
  constructor(path: string) {
    this.db = openX402File(path)
    const prepared = Object.entries(SQL).map(([name, sql]) => {
      const statement = this.db.prepare(sql)
      statement.setReadBigInts(true)
      return [name, statement] as const
    })
    this.#statements = Object.fromEntries(prepared) as Record<keyof typeof SQL, StatementSync>
    this.#outstanding = big(this.#statements.outstanding.get()?.sum)
  }

  get(id: PaymentId): X402Row | null {
    const row = this.#statements.get.get(id)
    return row === undefined ? null : rowOf(row)
  }

  begin(row: X402Row): boolean {
    const { id, payment, requirement, account, rate, offer, body, at } = row
    assert(
      row.state === 'settling' && row.transaction === null,
      'a payment begins before it is sent',
    )
    const { changes } = this.#statements.begin.run(
      ...[id, requirement.amount, account, rate, offer, body, at],
      ...[paymentText(payment), requirementText(requirement)],
    )
    if (Number(changes) === 0) return false
    this.#outstanding += requirement.amount
    return true
  }

  settled(id: PaymentId, transaction: string): void {
    const done = this.#statements.settled.run(transaction, id)
    assert(Number(done.changes) === 1, 'a payment is settled once, while it is being settled')
  }

  refused(id: PaymentId): void {
    this.#end(id, 'refused')
    this.#statements.prune.run(REFUSED_KEPT)
  }

  lost(id: PaymentId): void {
    this.#end(id, 'lost')
  }

  #end(id: PaymentId, how: 'refused' | 'lost'): void {
    const ended = this.#statements.end.get(how, id)
    assert(ended !== undefined, `a payment is ${how} while it is being settled`)
    this.#outstanding -= big(ended.amount)
  }

  credited(
    id: PaymentId,
    { account, given }: { readonly account: AccountId; readonly given: boolean },
  ): void {
    const was = this.get(id)
    assert(was !== null && CREDITABLE.has(was.state), 'a payment is settled before it is credited')
    // What was given stays given.
    if (was.state === 'given') return
    if (given) this.#statements.given.run(account, id)
    else this.#statements.credited.run(id)
    if (was.state === 'settled') this.#outstanding -= was.requirement.amount
  }

  unknown(limit: number): readonly X402Row[] {
    return this.#statements.unknown.all(limit).map(rowOf).reverse()
  }

  confirm(
    ...[id, transaction, { write }]: Parameters<X402Payments['confirm']>
  ): ReturnType<X402Payments['confirm']> {
    const was = this.get(id)
    if (was === null || !UNKNOWN_END.has(was.state)) return 'not_unknown'
    const other = this.#statements.others.get(transaction, id, transaction, id)
    if (other !== undefined) return 'of_another'
    if (!write) return 'confirmed'
    this.#statements.confirm.run(transaction, id)
    if (was.state === 'lost') this.#outstanding += was.requirement.amount
    return 'confirmed'
  }

  open(limit: number): readonly X402Row[] {
    return this.#statements.open.all(limit).map(rowOf)
  }

  outstanding(): MicroUsd {
    return microUsd(this.#outstanding)
  }

  close(): void {
    this.db.close()
  }
}

const CREDITABLE: ReadonlySet<X402Row['state']> = new Set(['settled', 'credited', 'given'])

const UNKNOWN_END: ReadonlySet<X402Row['state']> = new Set(['settling', 'lost'])

const OPEN = `state IN ('settling', 'settled')`

const SQL = {
  get: 'SELECT * FROM payments WHERE id = ?',
  begin: `INSERT INTO payments
      (id, amount, account, rate, offer, body, at, payment, requirement, state)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'settling')
    ON CONFLICT (id) DO UPDATE SET amount = excluded.amount,
      account = excluded.account, rate = excluded.rate, offer = excluded.offer, body = excluded.body,
      at = excluded.at, payment = excluded.payment, requirement = excluded.requirement,
      state = 'settling', tx = NULL
    WHERE state = 'refused'`,
  settled: `UPDATE payments SET state = 'settled', tx = ? WHERE id = ? AND state = 'settling'`,
  end: `UPDATE payments SET state = ? WHERE id = ? AND state = 'settling' RETURNING amount`,
  // Whose account it is stands in the row only when its buyer has the pass: until then it opens one.
  credited: "UPDATE payments SET state = 'credited' WHERE id = ?",
  given: "UPDATE payments SET state = 'given', account = ? WHERE id = ?",
  unknown: `SELECT * FROM payments WHERE state IN ('settling', 'lost')
    ORDER BY at DESC, id DESC LIMIT ?`,
  // Those that this gate sent itself are known by their hash before they are settled.
  others: `SELECT 1 FROM payments WHERE tx = ? AND id <> ?
    UNION ALL SELECT 1 FROM transactions WHERE hash = ? AND payment <> ?`,
  confirm: `UPDATE payments SET state = 'settled', tx = ?
    WHERE id = ? AND state IN ('settling', 'lost')`,
  open: `SELECT * FROM payments WHERE ${OPEN} ORDER BY at, id LIMIT ?`,
  outstanding: `SELECT coalesce(sum(amount), 0) AS sum FROM payments WHERE ${OPEN}`,
  prune: `DELETE FROM payments WHERE state = 'refused' AND id IN (
      SELECT id FROM payments WHERE state = 'refused' ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?)`,
} as const

const big = (value: SQLOutputValue | undefined): bigint => BigInt(String(value))

const textOr = (value: SQLOutputValue | undefined): string | null =>
  value === null || value === undefined ? null : String(value)

const rowOf = (row: Record<string, SQLOutputValue>): X402Row => ({
  id: String(row.id) as PaymentId,
  payment: paymentIn(String(row.payment)),
  requirement: requirementIn(String(row.requirement)),
  account: textOr(row.account) as AccountId | null,
  rate: big(row.rate),
  offer: textOr(row.offer),
  body: String(row.body),
  state: String(row.state) as X402Row['state'],
  transaction: textOr(row.tx),
  at: Number(row.at),
})
