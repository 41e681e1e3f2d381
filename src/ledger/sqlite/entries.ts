import type { DatabaseSync } from 'node:sqlite'
import type { AccountId, Drawer, Posting, Why } from '../ledger.ts'
import type { NumberedEntry } from '../open-ledger.ts'
import { money, number, type Row, reading, text } from './rows.ts'

/** Postings that one query reads. */
const CHUNK = 20_000

/** The most postings of one entry, see `close.ts`. */
const MOST_POSTINGS = 10

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
    amount: money(row, 'amount'),
  })
  entries.set(n, entry)
}

function lastPosting(db: DatabaseSync): number {
  const row = reading(db, 'SELECT coalesce(max(n), 0) AS n FROM postings').get()
  return row === undefined ? 0 : number(row, 'n')
}

const entriesWhere = (more: string): string => `
  SELECT entry, postings.at, why, coalesce(payment, holds.id) AS ref,
    debits.name AS debit, credits.name AS credit, postings.amount
  FROM postings
  LEFT JOIN deposits ON deposits.n = postings.deposit
  LEFT JOIN holds ON holds.n = postings.hold
  JOIN drawers AS debits ON debits.n = postings.debit
  JOIN drawers AS credits ON credits.n = postings.credit
  WHERE postings.n > $from AND postings.n <= $to AND ($before IS NULL OR entry < $before) ${more}
  ORDER BY postings.n DESC LIMIT $most`

const OWN = `(SELECT n FROM drawers
  WHERE name IN ('paid:' || $of, 'bonus:' || $of, 'held:' || $of, 'owed:' || $of))`

const ALL = entriesWhere('')
const OF_ACCOUNT = entriesWhere(`AND (postings.debit IN ${OWN} OR postings.credit IN ${OWN})`)
