import type { DatabaseSync } from 'node:sqlite'
import type { PaymentId } from '../../../ledger/ledger.ts'
import { type MicroUsd, microUsd } from '../../../money/usd.ts'
import type { Signed } from './chain.ts'

/** A transaction of ours. `void`: it can never be on the chain. */
export interface Transaction extends Omit<Signed, 'wei'> {
  readonly state: 'sent' | 'settled' | 'reverted' | 'void'
}

/** The transactions of this gate, in `x402.db`: on disk before they are sent. */
export class Transactions {
  readonly #db: DatabaseSync

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** Those of a payment, oldest first. */
  of(payment: PaymentId): readonly Transaction[] {
    const sql = 'SELECT * FROM transactions WHERE payment = ? ORDER BY at, nonce'
    return this.#db
      .prepare(sql)
      .all(payment)
      .map((row) => ({
        ...{ hash: String(row.hash), raw: String(row.raw), nonce: Number(row.nonce) },
        state: String(row.state) as Transaction['state'],
      }))
  }

  /** `cost` is the most that its gas costs. Is on disk when it returns. */
  add(payment: PaymentId, { hash, raw, nonce }: Signed, cost: MicroUsd, at: number): void {
    this.#db
      .prepare(`INSERT INTO transactions (hash, payment, nonce, raw, state, cost, at)
        VALUES (?, ?, ?, ?, 'sent', ?, ?)`)
      .run(hash, payment, nonce, raw, cost, at)
  }

  end(hash: string, how: Exclude<Transaction['state'], 'sent'>): void {
    this.#db.prepare('UPDATE transactions SET state = ? WHERE hash = ?').run(how, hash)
  }

  /** What the gas of transactions cost since then that moved nothing. */
  spentForNothing(since: number): MicroUsd {
    const sql = `SELECT coalesce(sum(cost), 0) AS sum FROM transactions
      WHERE state = 'reverted' AND at >= ?`
    return microUsd(BigInt(Number(this.#db.prepare(sql).get(since)?.sum)))
  }
}
