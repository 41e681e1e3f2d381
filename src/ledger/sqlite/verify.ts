import type { DatabaseSync } from 'node:sqlite'
import { err, ok, type Result } from '../../floor/result.ts'
import type { Drawer } from '../entry.ts'
import type { Proof } from '../open-ledger.ts'
import * as proof from '../proof.ts'
import { checkPages } from './check.ts'
import { holdOf, number, type Row, reading, text, whole } from './rows.ts'
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
    },
  })
}

const rows = (db: DatabaseSync, sql: string, ...cells: number[]): Iterable<Row> =>
  reading(db, sql).iterate(...cells)

function count(db: DatabaseSync, sql: string): number {
  for (const row of rows(db, sql)) return number(row, 'n')
  return 0
}

/** The kinds of drawers, in the order of their numbers below. */
const KINDS: readonly string[] = [
  ...['', 'held', 'revenue', 'loss', 'owed', 'paid', 'bonus', 'leaving', 'rail', 'grant', 'sent'],
]
const [, HELD, REVENUE, LOSS, OWED, PAID, BONUS, LEAVING] = KINDS.keys()
const BUYERS: ReadonlySet<number | undefined> = new Set([HELD, OWED, PAID, BONUS, LEAVING])

/** The drawers of the file, and what was posted to each. Millions of them take some tens of MB. */
class Drawers {
  /** The sum of the stored balances by kind. */
  readonly kinds = new Map<string, bigint>()
  readonly #db: DatabaseSync
  readonly #kind: Uint8Array
  readonly #posted: BigInt64Array
  readonly #find

  constructor(db: DatabaseSync) {
    this.#db = db
    const size = count(db, 'SELECT coalesce(max(n), 0) AS n FROM drawers') + 1
    this.#kind = new Uint8Array(size)
    this.#posted = new BigInt64Array(size)
    this.#find = reading(db, 'SELECT n FROM drawers WHERE name = ?')
    for (const row of rows(db, 'SELECT n, name FROM drawers')) {
      const name = text(row, 'name')
      const kind = KINDS.indexOf(name.slice(0, name.indexOf(':')))
      this.#kind[number(row, 'n')] = Math.max(kind, 0)
    }
  }

  /** Posts to a drawer. Returns its kind, 0 if there is no such drawer. */
  post(n: number, by: bigint): number {
    if (n >= this.#posted.length) return 0
    this.#posted[n] = (this.#posted[n] ?? 0n) + by
    return this.#kind[n] ?? 0
  }

  /** The same; returns the word of its kind. */
  postAs(n: number, by: bigint): string {
    return KINDS[this.post(n, by)] ?? ''
  }

  postTo(name: Drawer, by: bigint): void {
    if (by === 0n) return
    const row = this.#find.get(name)
    if (row !== undefined) this.post(number(row, 'n'), by)
  }

  /** Compares the stored balances. Returns the drawers that belong to no buyer. */
  compare(expected: ReadonlyMap<Drawer, bigint>, doubt: Doubt): Proof['drawers'] {
    const open = byDrawer(this.#db, HELD_BY_ACCOUNT)
    const owed = byDrawer(this.#db, OWED_BY_ACCOUNT)
    const leaving = byDrawer(this.#db, LEAVING_BY_ACCOUNT)
    const own: { drawer: Drawer; balance: bigint }[] = []
    for (const row of rows(this.#db, 'SELECT n, name, balance FROM drawers')) {
      const drawer = text(row, 'name') as Drawer
      const balance = whole(row, 'balance')
      const n = number(row, 'n')
      const kind = this.#kind[n] ?? 0
      const word = KINDS[kind] ?? ''
      this.kinds.set(word, (this.kinds.get(word) ?? 0n) + balance)
      doubt(proof.doubtDrawer(drawer, balance, this.#posted[n] ?? 0n))
      if (kind === HELD) doubt(proof.doubtHeld(drawer, balance, taken(open, drawer)))
      if (kind === OWED) doubt(proof.doubtOwed(drawer, balance, taken(owed, drawer)))
      if (kind === LEAVING) doubt(proof.doubtLeaving(drawer, balance, taken(leaving, drawer)))
      const running = expected.get(drawer)
      if (running !== undefined && running !== balance) {
        doubt([`drawer ${drawer} says ${balance} msat, the running ledger says ${running}`])
      }
      if (!BUYERS.has(kind)) own.push({ drawer, balance })
    }
    for (const [drawer, held] of open) doubt(proof.doubtHeld(drawer as Drawer, 0n, held))
    for (const [drawer, debt] of owed) doubt(proof.doubtOwed(drawer as Drawer, 0n, debt))
    for (const [drawer, sum] of leaving) doubt(proof.doubtLeaving(drawer as Drawer, 0n, sum))
    return own
  }
}

function taken(sums: Map<string, bigint>, drawer: string): bigint {
  const sum = sums.get(drawer) ?? 0n
  sums.delete(drawer)
  return sum
}

function byDrawer(db: DatabaseSync, sql: string): Map<string, bigint> {
  const sums = new Map<string, bigint>()
  for (const row of rows(db, sql)) sums.set(text(row, 'drawer'), whole(row, 'sum'))
  return sums
}

/** What archived holds moved, in the sum of each account, model and day. */
function readArchived(db: DatabaseSync, drawers: Drawers, sums: Sums): void {
  for (const row of rows(db, ARCHIVED)) {
    const account = text(row, 'id')
    const [paid, bonus, overrun] = [whole(row, 'paid'), whole(row, 'bonus'), whole(row, 'overrun')]
    drawers.postTo(`paid:${account}`, -paid)
    drawers.postTo(`bonus:${account}`, -bonus)
    drawers.postTo('loss:overrun', -overrun)
    drawers.postTo(`revenue:${text(row, 'model')}`, paid + bonus + overrun)
    sums.archived(row, { earned: paid + bonus, overrun })
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
      const debit = drawers.post(number(row, 'debit'), -amount)
      const credit = drawers.post(number(row, 'credit'), amount)
      if (debit === 0 || credit === 0) doubt([missing('postings', 'drawers')])
      move(sum, debit, -amount)
      move(sum, credit, amount)
      postings++
    }
    for (const row of holds.iterate(from, from + CHUNK)) {
      const n = number(row, 'n')
      if (row.account_id === null) doubt([missing('holds', 'accounts')])
      else {
        const hold = holdOf(row)
        doubt(proof.doubtHold(hold, posted.get(n) ?? proof.NOTHING_POSTED))
        sums.hold(hold)
      }
      posted.delete(n)
    }
    if (posted.size > 0) doubt([missing('postings', 'holds')])
    sums.flush()
  }
  return postings
}

/** `held` and `revenue` count what goes in, the others what goes out. */
function move(sum: Posting, kind: number, by: bigint): void {
  if (kind === HELD) sum.held += by
  else if (kind === REVENUE) sum.revenue += by
  else if (kind === LOSS) sum.overrun -= by
  else if (kind === OWED) sum.owed -= by
  else if (kind === PAID) sum.paid -= by
  else if (kind === BONUS) sum.bonus -= by
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

const HELD_BY_ACCOUNT = `
  SELECT 'held:' || accounts.id AS drawer, sum(amount) AS sum
  FROM holds JOIN accounts ON accounts.n = account WHERE status = 'open' GROUP BY account`

const OWED_BY_ACCOUNT = `
  SELECT 'owed:' || accounts.id AS drawer, -sum(owed) AS sum
  FROM holds JOIN accounts ON accounts.n = account WHERE owed > 0 GROUP BY account`

const LEAVING_BY_ACCOUNT = `
  SELECT 'leaving:' || accounts.id AS drawer, sum(amount + fee) AS sum
  FROM withdrawals JOIN accounts ON accounts.n = account WHERE state = 'open' GROUP BY account`
