import type { DatabaseSync } from 'node:sqlite'
import type { Drawer, Posting, Why } from '../entry.ts'
import type { AccountId } from '../ledger.ts'
import type { NumberedEntry } from '../open-ledger.ts'
import { number, type Row, reading, text, whole } from './rows.ts'

/** Postings that one query reads. */
const CHUNK = 20_000

/** The most postings of one entry, see `close.ts` and `withdraw.ts`. */
const MOST_POSTINGS = 16

/**
 * The newest entries of the book, or of one account, that are older than entry `before`. There is
 * no index of postings by account, so the book is read backwards in parts until there are enough
 * entries.
 */
export function newestEntries(
  db: DatabaseSync,
  asked: {
    readonly limit: number
    readonly of: AccountId | null
    readonly before: number | null
  },
): readonly NumberedEntry[] {
  const { before, limit, of } = asked
  const entries = new Map<number, NumberedEntry & { readonly postings: Posting[] }>()
  const most = (limit + 1) * MOST_POSTINGS
  const read = reading(db, of === null ? ALL : OF_ACCOUNT)
  let to = lastPosting(db)
  // One entry more than asked for, because the last one may be incomplete.
  while (to > 0 && entries.size <= limit) {
    const from = Math.max(0, to - CHUNK)
    const named = of === null ? {} : { of }
    for (const row of read.all({ from, to, most, before, ...named })) add(row, entries)
    to = from
  }
  return [...entries.values()].slice(0, limit)
}

function add(
  row: Row,
  entries: Map<number, NumberedEntry & { readonly postings: Posting[] }>,
): void {
  const n = number(row, 'entry')
  const entry = entries.get(n) ?? {
    n,
    at: number(row, 'at'),
    why: text(row, 'why') as Why,
    ref: text(row, 'ref'),
    postings: [],
  }
  entry.postings.unshift({
    debit: text(row, 'debit') as Drawer,
    credit: text(row, 'credit') as Drawer,
    amount: whole(row, 'amount') as Posting['amount'],
  })
  entries.set(n, entry)
}

function lastPosting(db: DatabaseSync): number {
  const row = reading(db, LAST).get()
  return row === undefined ? 0 : number(row, 'n')
}

/**
 * The postings of both tables in the order of their numbers. Each table is read backwards, and no
 * further than is needed.
 */
const entriesWhere = (more: string): string => {
  const where = `WHERE n > $from AND n <= $to AND ($before IS NULL OR entry < $before) ${more}`
  return `
  WITH posted AS (
    SELECT n, entry, at, why, deposit, hold, NULL AS withdrawal, debit, credit, amount
    FROM postings ${where}
    UNION ALL
    SELECT n, entry, at, why, NULL, NULL, withdrawal, debit, credit, amount
    FROM withdrawal_postings ${where}
    ORDER BY n DESC LIMIT $most
  )
  SELECT entry, posted.at, why, coalesce(payment, holds.id, withdrawals.id) AS ref,
    debits.name AS debit, credits.name AS credit, posted.amount
  FROM posted
  LEFT JOIN deposits ON deposits.n = posted.deposit
  LEFT JOIN holds ON holds.n = posted.hold
  LEFT JOIN withdrawals ON withdrawals.n = posted.withdrawal
  JOIN drawers AS debits ON debits.n = posted.debit
  JOIN drawers AS credits ON credits.n = posted.credit
  ORDER BY posted.n DESC`
}

const OWN = `(SELECT n FROM drawers WHERE name IN
  ('paid:' || $of, 'bonus:' || $of, 'held:' || $of, 'owed:' || $of, 'leaving:' || $of,
   'usd:' || $of))`

const ALL = entriesWhere('')
const OF_ACCOUNT = entriesWhere(`AND (debit IN ${OWN} OR credit IN ${OWN})`)

const LAST = `
  SELECT max(coalesce((SELECT max(n) FROM postings), 0),
    coalesce((SELECT max(n) FROM withdrawal_postings), 0)) AS n`
