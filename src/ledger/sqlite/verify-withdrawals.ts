import type { DatabaseSync } from 'node:sqlite'
import * as proof from '../proof.ts'
import { number, reading, text, whole } from './rows.ts'
import { depositOf, withdrawalOf } from './withdrawal-rows.ts'

/** Takes sentences that say what is wrong. */
export type Doubt = (found: Iterable<string>) => void

export const missing = (table: string, parent: string): string =>
  `a row of ${table} names a row of ${parent} that is not there`

type Posting = { -readonly [Part in keyof proof.PostedLeaving]: bigint }

/** The drawers to which postings are added. `postAs` returns the kind of the drawer, or an empty text. */
interface Posts {
  postAs(n: number, by: bigint): string
}

/**
 * The withdrawals and their postings, and the deposits that they took from. Returns how many postings
 * there are.
 */
export function readWithdrawals(db: DatabaseSync, drawers: Posts, doubt: Doubt): number {
  const { postings, sums } = readPostings(db, drawers, doubt)
  const took = new Map<string, bigint>()
  for (const row of reading(db, WITHDRAWALS).iterate()) {
    const n = number(row, 'n')
    if (row.account_id === null) doubt([missing('withdrawals', 'accounts')])
    else {
      const withdrawal = withdrawalOf(row)
      doubt(proof.doubtWithdrawal(withdrawal, sums.get(n) ?? proof.NOTHING_LEAVING))
      const { account, bonus, instead } = withdrawal
      took.set(account, (took.get(account) ?? 0n) + bonus + instead)
    }
    sums.delete(n)
  }
  if (sums.size > 0) doubt([missing('withdrawal_postings', 'withdrawals')])
  readDeposits(db, took, doubt)
  return postings
}

function readPostings(db: DatabaseSync, drawers: Posts, doubt: Doubt) {
  const sums = new Map<number, Posting>()
  let postings = 0
  for (const row of reading(db, POSTED).iterate()) {
    const n = number(row, 'withdrawal')
    const sum = sums.get(n) ?? { ...proof.NOTHING_LEAVING }
    sums.set(n, sum)
    const amount = whole(row, 'amount')
    const debit = drawers.postAs(number(row, 'debit'), -amount)
    const credit = drawers.postAs(number(row, 'credit'), amount)
    if (debit === '' || credit === '') doubt([missing('withdrawal_postings', 'drawers')])
    proof.moveLeaving(sum, debit, -amount)
    proof.moveLeaving(sum, credit, amount)
    postings++
  }
  return { postings, sums }
}

/** `took` is the bonus that withdrawals took back, by account. */
function readDeposits(db: DatabaseSync, took: Map<string, bigint>, doubt: Doubt): void {
  const right = new Map<string, bigint>()
  for (const row of reading(db, DEPOSITS).iterate()) {
    if (row.account_id === null) {
      doubt([`withdrawals took of deposit ${text(row, 'payment')}, which is not there`])
      continue
    }
    const deposit = depositOf(row)
    doubt(proof.doubtDeposit(deposit, whole(row, 'taken')))
    const { account } = deposit
    right.set(account, (right.get(account) ?? 0n) + proof.tookBack(deposit))
  }
  for (const account of new Set([...took.keys(), ...right.keys()])) {
    doubt(proof.doubtVesting(account, took.get(account) ?? 0n, right.get(account) ?? 0n))
  }
}

const POSTED = 'SELECT withdrawal, debit, credit, amount FROM withdrawal_postings'

const WITHDRAWALS = `
  SELECT withdrawals.*, accounts.id AS account_id
  FROM withdrawals LEFT JOIN accounts ON accounts.n = account ORDER BY withdrawals.n`

/** Deposits of which something left, and payments of which withdrawals say so. */
const DEPOSITS = `
  WITH taken AS (
    SELECT value ->> 0 AS payment, sum(CAST(value ->> 1 AS INTEGER)) AS taken
    FROM withdrawals, json_each(parts) GROUP BY 1
  ), paid_in AS (
    SELECT deposits.*, accounts.id AS account_id
    FROM deposits JOIN accounts ON accounts.n = account
  )
  SELECT paid_in.*, payment, coalesce(taken, 0) AS taken FROM paid_in FULL JOIN taken USING (payment)
  WHERE coalesce(withdrawn, 0) > 0 OR taken IS NOT NULL`
