import type { DatabaseSync } from 'node:sqlite'
import { err, ok, type Result } from '../../floor/result.ts'
import type { Drawer } from '../entry.ts'
import type { Proof } from '../open-ledger.ts'
import * as proof from '../proof.ts'
import type { HoldState } from '../state.ts'
import { checkPages } from './check.ts'
import { holdOf, number, type Row, reading, text, whole } from './rows.ts'
import { Drawers, KINDS } from './verify-drawers.ts'
import { provenSums, Sums } from './verify-sums.ts'
import { type Doubt, missing, readWithdrawals } from './verify-withdrawals.ts'

/** Reports how far a long reading is, for a person who waits. */
export type Told = (progress: string) => void

/** Holds whose postings are in memory at the same time. */
const CHUNK = 20_000
/** Progress is reported so many times. */
const REPORTS = 20
/** The most errors that are listed. Further ones are only counted. */
const MOST_DOUBTS = 1_000

/**
 * Proves from the postings and from what is archived that the books balance. `db` sees one moment;
 * `expected` are drawers that the running ledger knows, at that moment.
 */
export function verify(
  db: DatabaseSync,
  expected: ReadonlyMap<Drawer, bigint>,
  told: Told,
): Result<Proof, readonly string[]> {
  const doubts: string[] = []
  let more = 0
  const doubt: Doubt = (found) => {
    for (const one of found) {
      if (doubts.length < MOST_DOUBTS) doubts.push(one)
      else more++
    }
  }
  const drawers = new Drawers(db)
  const sums = new Sums(db)
  readArchived(db, drawers, sums)
  const postings =
    readDeposits(db, drawers, doubt) +
    readHolds(db, { drawers, sums, doubt, told }) +
    readWithdrawals(db, drawers, doubt)
  told('comparing the drawers')
  const own = drawers.compare(expected, doubt)
  doubt(provenSums(db, sums, drawers.kinds))
  const pages = checkPages(db)
  if (pages !== null) doubt([`the file is damaged: ${pages}`])
  if (more > 0) doubts.push(`and ${more} more`)
  if (doubts.length > 0) return err(doubts)
  return ok({
    accounts: count(db, 'SELECT count(*) AS n FROM accounts'),
    openHolds: count(db, "SELECT count(*) AS n FROM holds WHERE status = 'open'"),
    postings,
    drawers: own,
    buyers: {
      paid: drawers.kinds.get('paid') ?? 0n,
      bonus: drawers.kinds.get('bonus') ?? 0n,
      held: drawers.kinds.get('held') ?? 0n,
      owed: drawers.kinds.get('owed') ?? 0n,
      leaving: drawers.kinds.get('leaving') ?? 0n,
      usd: drawers.kinds.get('usd') ?? 0n,
    },
  })
}

const rows = (db: DatabaseSync, sql: string, ...cells: number[]): Iterable<Row> =>
  reading(db, sql).iterate(...cells)

function count(db: DatabaseSync, sql: string): number {
  for (const row of rows(db, sql)) return number(row, 'n')
  return 0
}

/** What archived holds moved, in the sum of each account, model and day. */
function readArchived(db: DatabaseSync, drawers: Drawers, sums: Sums): void {
  for (const row of rows(db, ARCHIVED)) {
    const account = text(row, 'id')
    const [paid, bonus, overrun] = [whole(row, 'paid'), whole(row, 'bonus'), whole(row, 'overrun')]
    const [bought, usd] = [whole(row, 'bought'), whole(row, 'usd')]
    const earned = paid + bonus + bought
    drawers.postTo(`paid:${account}`, -paid)
    drawers.postTo(`bonus:${account}`, -bonus)
    drawers.postTo('exchange:usd', -bought)
    drawers.postTo('loss:overrun', -overrun)
    drawers.postTo(`revenue:${text(row, 'model')}`, earned + overrun)
    drawers.postTo(`usd:${account}`, -usd)
    drawers.postTo('usd-spent:exchange', usd)
    sums.archived(row, { earned, overrun })
  }
}

/** The postings of deposits. Returns how many there are. */
function readDeposits(db: DatabaseSync, drawers: Drawers, doubt: Doubt): number {
  let postings = 0
  for (const row of rows(db, DEPOSITED)) {
    const amount = whole(row, 'amount')
    const from = drawers.post(number(row, 'debit'), -amount)
    const to = drawers.post(number(row, 'credit'), amount)
    if (from === 0 || to === 0) doubt([missing('postings', 'drawers')])
    else doubt(proof.doubtUnits('a deposit', KINDS[from] ?? '', KINDS[to] ?? ''))
    if (row.payment === null) doubt([missing('postings', 'deposits')])
    postings++
  }
  if (count(db, LOST_DEPOSITS) > 0) doubt([missing('deposits', 'accounts')])
  return postings
}

interface Reading {
  readonly drawers: Drawers
  readonly sums: Sums
  readonly doubt: Doubt
  readonly told: Told
}

type Posting = { -readonly [Part in keyof proof.Posted]: bigint }

/** The holds and their postings. Returns how many postings there are. */
function readHolds(db: DatabaseSync, { drawers, sums, doubt, told }: Reading): number {
  const last = Math.max(
    count(db, 'SELECT coalesce(max(n), 0) AS n FROM holds'),
    count(db, 'SELECT coalesce(max(hold), 0) AS n FROM postings WHERE hold IS NOT NULL'),
  )
  const every = Math.max(CHUNK, Math.ceil(last / REPORTS / CHUNK) * CHUNK)
  const posted = new Map<number, Posting>()
  const read = reading(db, POSTED)
  const holds = reading(db, HOLDS)
  let postings = 0
  for (let from = 0; from < last; from += CHUNK) {
    posted.clear()
    if (from % every === 0) told(`read ${from} of ${last} holds`)
    for (const row of read.iterate(from, from + CHUNK)) {
      const n = number(row, 'hold')
      const sum = posted.get(n) ?? { ...proof.NOTHING_POSTED }
      posted.set(n, sum)
      const amount = whole(row, 'amount')
      const debit = drawers.postAs(number(row, 'debit'), -amount)
      const credit = drawers.postAs(number(row, 'credit'), amount)
      if (debit === '' || credit === '') doubt([missing('postings', 'drawers')])
      else doubt(proof.doubtUnits('a hold', debit, credit))
      proof.moveHold(sum, debit, -amount)
      proof.moveHold(sum, credit, amount)
      postings++
    }
    for (const row of holds.iterate(from, from + CHUNK)) {
      const n = number(row, 'n')
      if (row.account_id === null) doubt([missing('holds', 'accounts')])
      else {
        const hold = readable(row, doubt)
        if (hold !== null) {
          doubt(proof.doubtHold(hold, posted.get(n) ?? proof.NOTHING_POSTED))
          sums.hold(hold)
        }
      }
      posted.delete(n)
    }
    if (posted.size > 0) doubt([missing('postings', 'holds')])
    sums.flush()
  }
  return postings
}

/** A hold whose figures are possible. */
function readable(row: Row, doubt: Doubt): HoldState | null {
  try {
    return holdOf(row)
  } catch (error) {
    doubt([
      `hold ${text(row, 'id')} cannot be read: ${error instanceof Error ? error.message : ''}`,
    ])
    return null
  }
}

const ARCHIVED =
  'SELECT archived.*, accounts.id FROM archived JOIN accounts ON accounts.n = archived.account'

const DEPOSITED = `
  SELECT debit, postings.credit, postings.amount, payment
  FROM postings LEFT JOIN deposits ON deposits.n = postings.deposit WHERE hold IS NULL`

const LOST_DEPOSITS = `
  SELECT count(*) AS n FROM deposits LEFT JOIN accounts ON accounts.n = account
  WHERE accounts.n IS NULL`

const POSTED = 'SELECT hold, debit, credit, amount FROM postings WHERE hold > ? AND hold <= ?'

const HOLDS = `
  SELECT holds.*, accounts.id AS account_id FROM holds LEFT JOIN accounts ON accounts.n = account
  WHERE holds.n > ? AND holds.n <= ?`
