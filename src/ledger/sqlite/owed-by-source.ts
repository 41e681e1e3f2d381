import type { DatabaseSync } from 'node:sqlite'
import { add, type Msat, ZERO } from '../../money/msat.ts'
import { unspent } from '../withdrawable.ts'
import type { Withdrawable } from '../withdrawals.ts'
import { money, number, type Row, reading, text } from './rows.ts'
import { depositOf } from './withdrawal-rows.ts'

/**
 * What is owed to buyers, by the source that it came into: the unspent paid-in credit of each account,
 * with what is held and leaving of it. Credit without a source has an empty one. It asks once for
 * each account that has money, and reads as many of its deposits as that money needs.
 */
export function owedBySource(db: DatabaseSync): readonly Withdrawable[] {
  const sums = new Map<string, Msat>()
  const owe = (source: string, amount: Msat) =>
    sums.set(source, add(sums.get(source) ?? ZERO, amount))
  const deposits = reading(db, DEPOSITS)
  for (const row of reading(db, OWED).iterate()) {
    const newestFirst = map(deposits.iterate(number(row, 'n')), depositOf)
    for (const { amount, deposit } of unspent(money(row, 'paid'), newestFirst)) {
      owe(deposit.source ?? '', amount)
    }
  }
  for (const row of reading(db, LEAVING).iterate()) owe(text(row, 'source'), money(row, 'amount'))
  return [...sums].map(([source, amount]) => ({ source, amount }))
}

function* map<T>(rows: Iterable<Row>, to: (row: Row) => T): Iterable<T> {
  for (const row of rows) yield to(row)
}

/** Accounts with paid-in credit, with what open holds have of it. By itself SQLite would read all holds. */
const OWED = `
  WITH held AS (
    SELECT account, sum(paid) AS paid FROM holds INDEXED BY holds_open
    WHERE status = 'open' AND paid > 0 GROUP BY account
  ), free AS (
    SELECT accounts.n, balance FROM drawers JOIN accounts ON id = substr(name, 6)
    WHERE name >= 'paid:' AND name < 'paid;' AND balance > 0
  )
  SELECT coalesce(free.n, held.account) AS n, coalesce(balance, 0) + coalesce(held.paid, 0) AS paid
  FROM free FULL JOIN held ON held.account = free.n`

const DEPOSITS = `
  SELECT deposits.*, accounts.id AS account_id FROM deposits JOIN accounts ON accounts.n = account
  WHERE account = ? AND credit = 'paid' AND withdrawn < amount ORDER BY deposits.n DESC`

const LEAVING = "SELECT source, amount + fee AS amount FROM withdrawals WHERE state = 'open'"
