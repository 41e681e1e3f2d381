import type { DatabaseSync } from 'node:sqlite'
import type { World } from '../../floor/world.ts'
import type { AccountId, Drawer, Entry, Posting, Why } from '../ledger.ts'
import { money, number, type Row, reading, text } from './rows.ts'

/**
 * Rows that are read in one turn of the event loop. They take about 20 ms, so that streams go on.
 */
const CHUNK = 20_000

/** The most postings of one entry, see `close.ts`. */
const MOST_POSTINGS = 10

/**
 * The newest entries of the book, or of one account. There is no index of postings by account, so
 * the book is read backwards in parts until there are enough entries.
 */
export async function newestEntries(
  world: World,
  db: DatabaseSync,
  limit: number,
  of?: AccountId,
): Promise<readonly Entry[]> {
  const entries = new Map<number, Entry & { readonly postings: Posting[] }>()
  const most = (limit + 1) * MOST_POSTINGS
  let to = lastOf(db, 'postings')
  // One entry more than asked for, because the last one may be incomplete.
  while (to > 0 && entries.size <= limit) {
    const from = Math.max(0, to - CHUNK)
    const named = of === undefined ? {} : { of }
    const found = reading(db, of === undefined ? ALL : OF_ACCOUNT).all({ from, to, most, ...named })
    for (const row of found) add(row, entries)
    to = from
    await world.turn()
  }
  return [...entries.values()].slice(0, limit)
}

function add(row: Row, entries: Map<number, Entry & { readonly postings: Posting[] }>): void {
  const n = number(row, 'entry')
  const entry = entries.get(n) ?? {
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

/** The accounts for which `fits` is true, read in parts. */
export async function accountsThat(
  world: World,
  db: DatabaseSync,
  fits: (account: AccountId) => boolean,
): Promise<readonly AccountId[]> {
  const found: AccountId[] = []
  const last = lastOf(db, 'accounts')
  for (let from = 0; from < last; from += CHUNK) {
    const ids = reading(db, IDS)
      .all({ from, to: from + CHUNK })
      .map((row) => text(row, 'id'))
    found.push(...ids.filter(fits))
    await world.turn()
  }
  return found
}

function lastOf(db: DatabaseSync, table: 'postings' | 'accounts'): number {
  const row = reading(db, `SELECT coalesce(max(n), 0) AS n FROM ${table}`).get()
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
  WHERE postings.n > $from AND postings.n <= $to ${more}
  ORDER BY postings.n DESC LIMIT $most`

const OWN = `(SELECT n FROM drawers
  WHERE name IN ('paid:' || $of, 'bonus:' || $of, 'held:' || $of, 'owed:' || $of))`

const ALL = entriesWhere('')
const OF_ACCOUNT = entriesWhere(`AND (postings.debit IN ${OWN} OR postings.credit IN ${OWN})`)

const IDS = 'SELECT id FROM accounts WHERE n > $from AND n <= $to ORDER BY n'
