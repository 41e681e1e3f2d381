import type { DatabaseSync } from 'node:sqlite'
import { err, ok, type Result } from '../../floor/result.ts'
import type { World } from '../../floor/world.ts'
import type { Drawer } from '../ledger.ts'
import type { Proof } from '../open-ledger.ts'
import * as proof from '../proof.ts'
import { holdOf, number, type Row, reading, text, whole } from './rows.ts'

/**
 * Rows that are read in one turn of the event loop. They take about 20 ms, so that streams go on.
 */
const CHUNK = 20_000

/** The most errors that are listed. Further ones are only counted. */
const MOST_DOUBTS = 1_000

/**
 * Proves from the postings alone that the books balance. `db` sees one moment; `inMemory` are the
 * drawers of the running ledger at that moment.
 */
export async function verify(
  world: World,
  db: DatabaseSync,
  inMemory: ReadonlyMap<Drawer, bigint>,
): Promise<Result<Proof, readonly string[]>> {
  const doubts: string[] = []
  let more = 0
  const doubt = (found: Iterable<string>) => {
    for (const one of found) {
      if (doubts.length < MOST_DOUBTS) doubts.push(one)
      else more++
    }
  }
  db.exec(SCRATCH)
  const last = count(db, 'SELECT coalesce(max(n), 0) AS n FROM postings')
  for (let from = 0; from < last; from += CHUNK) {
    db.prepare(SUM_BY_DRAWER).run(from, from + CHUNK)
    db.prepare(SUM_BY_HOLD).run(from, from + CHUNK)
    await world.turn()
  }
  const drawers = checkDrawers(db, inMemory, doubt)
  await checkHolds(world, db, doubt)
  checkMeters(db, doubt)
  checkReferences(db, doubt)
  if (more > 0) doubts.push(`and ${more} more`)
  if (doubts.length > 0) return err(doubts)
  return ok({
    accounts: count(db, 'SELECT count(*) AS n FROM accounts'),
    openHolds: count(db, "SELECT count(*) AS n FROM holds WHERE status = 'open'"),
    postings: count(db, 'SELECT count(*) AS n FROM postings'),
    drawers,
  })
}

/** Rows that refer to a row that does not exist. */
function checkReferences(db: DatabaseSync, doubt: Doubt): void {
  for (const row of rows(db, 'PRAGMA foreign_key_check')) {
    doubt([
      `a row of ${text(row, 'table')} names a row of ${text(row, 'parent')} that is not there`,
    ])
  }
}

type Doubt = (found: Iterable<string>) => void

const rows = (db: DatabaseSync, sql: string, ...cells: number[]): Iterable<Row> =>
  reading(db, sql).iterate(...cells)

function count(db: DatabaseSync, sql: string): number {
  for (const row of rows(db, sql)) return number(row, 'n')
  return 0
}

function checkDrawers(
  db: DatabaseSync,
  inMemory: ReadonlyMap<Drawer, bigint>,
  doubt: Doubt,
): Proof['drawers'] {
  const open = new Map<string, bigint>()
  for (const row of rows(db, HELD_BY_ACCOUNT)) open.set(text(row, 'drawer'), whole(row, 'held'))
  const owed = new Map<string, bigint>()
  for (const row of rows(db, OWED_BY_ACCOUNT)) owed.set(text(row, 'drawer'), whole(row, 'owed'))
  const drawers: { drawer: Drawer; balance: bigint }[] = []
  for (const row of rows(db, DRAWERS)) {
    const drawer = text(row, 'name') as Drawer
    const balance = whole(row, 'balance')
    doubt(proof.doubtDrawer(drawer, balance, whole(row, 'posted')))
    if (drawer.startsWith('held:')) doubt(proof.doubtHeld(drawer, balance, open.get(drawer) ?? 0n))
    if (drawer.startsWith('owed:')) doubt(proof.doubtOwed(drawer, balance, owed.get(drawer) ?? 0n))
    open.delete(drawer)
    owed.delete(drawer)
    const memory = inMemory.get(drawer)
    if (memory !== undefined && memory !== balance) {
      doubt([`drawer ${drawer} says ${balance} msat, the running ledger says ${memory}`])
    }
    drawers.push({ drawer, balance })
  }
  for (const [drawer, held] of open) doubt(proof.doubtHeld(drawer as Drawer, 0n, held))
  for (const [drawer, debt] of owed) doubt(proof.doubtOwed(drawer as Drawer, 0n, debt))
  return drawers
}

async function checkHolds(world: World, db: DatabaseSync, doubt: Doubt): Promise<void> {
  const last = count(db, 'SELECT coalesce(max(n), 0) AS n FROM holds')
  for (let from = 0; from < last; from += CHUNK) {
    for (const row of rows(db, HOLDS, from, from + CHUNK)) {
      const posted = {
        held: whole(row, 'p_held'),
        revenue: whole(row, 'p_revenue'),
        overrun: whole(row, 'p_overrun'),
        owed: whole(row, 'p_owed'),
        paid: whole(row, 'p_paid'),
        bonus: whole(row, 'p_bonus'),
      }
      doubt(proof.doubtHold(holdOf(row), posted))
    }
    await world.turn()
  }
}

function checkMeters(db: DatabaseSync, doubt: Doubt): void {
  for (const row of rows(db, METERS)) {
    const key = text(row, 'key')
    const stored = { key, used: whole(row, 'used'), held: whole(row, 'held') }
    doubt(proof.doubtMeter(stored, { key, used: whole(row, 'c_used'), held: whole(row, 'c_held') }))
  }
}

/** Sums are kept in a temporary file of SQLite, because they may not fit in memory. */
const SCRATCH = `
  CREATE TEMP TABLE by_drawer (n INTEGER PRIMARY KEY, posted INTEGER NOT NULL);
  CREATE TEMP TABLE by_hold (n INTEGER PRIMARY KEY, held INTEGER NOT NULL,
    revenue INTEGER NOT NULL, overrun INTEGER NOT NULL, owed INTEGER NOT NULL, paid INTEGER NOT NULL, bonus INTEGER NOT NULL);
`

const SIDES = `
  SELECT n, hold, debit AS drawer, -amount AS amount FROM postings WHERE n > ?1 AND n <= ?2
  UNION ALL
  SELECT n, hold, credit, amount FROM postings WHERE n > ?1 AND n <= ?2`

const SUM_BY_DRAWER = `
  INSERT INTO temp.by_drawer SELECT drawer, sum(amount) FROM (${SIDES}) WHERE true GROUP BY drawer
  ON CONFLICT (n) DO UPDATE SET posted = posted + excluded.posted`

const sumOf = (glob: string, sign = ''): string =>
  `coalesce(sum(${sign}sides.amount) FILTER (WHERE drawers.name GLOB '${glob}'), 0)`

const SUM_BY_HOLD = `
  INSERT INTO temp.by_hold
  SELECT hold, ${sumOf('held:*')}, ${sumOf('revenue:*')}, ${sumOf('loss:*', '-')},
    ${sumOf('owed:*', '-')}, ${sumOf('paid:*', '-')}, ${sumOf('bonus:*', '-')}
  FROM (${SIDES}) AS sides JOIN drawers ON drawers.n = drawer
  WHERE hold IS NOT NULL GROUP BY hold
  ON CONFLICT (n) DO UPDATE SET held = held + excluded.held, revenue = revenue + excluded.revenue,
    overrun = overrun + excluded.overrun, owed = owed + excluded.owed, paid = paid + excluded.paid, bonus = bonus + excluded.bonus`

const DRAWERS = `
  SELECT name, balance, coalesce(posted, 0) AS posted
  FROM drawers LEFT JOIN temp.by_drawer USING (n) ORDER BY drawers.n`

const HELD_BY_ACCOUNT = `
  SELECT 'held:' || accounts.id AS drawer, sum(amount) AS held
  FROM holds JOIN accounts ON accounts.n = account WHERE status = 'open' GROUP BY account`

const OWED_BY_ACCOUNT = `
  SELECT 'owed:' || accounts.id AS drawer, -sum(owed) AS owed
  FROM holds JOIN accounts ON accounts.n = account WHERE owed > 0 GROUP BY account`

const HOLDS = `
  SELECT holds.*, accounts.id AS account_id, coalesce(by_hold.held, 0) AS p_held,
    coalesce(by_hold.revenue, 0) AS p_revenue, coalesce(by_hold.overrun, 0) AS p_overrun,
    coalesce(by_hold.owed, 0) AS p_owed,
    coalesce(by_hold.paid, 0) AS p_paid, coalesce(by_hold.bonus, 0) AS p_bonus
  FROM holds JOIN accounts ON accounts.n = account LEFT JOIN temp.by_hold ON by_hold.n = holds.n
  WHERE holds.n > ? AND holds.n <= ?`

/** A hold's counts are lists of key, unit, max and counted: see `rows.ts`. */
const METERS = `
  WITH shares AS (
    SELECT share.value ->> 0 AS key, CAST(share.value ->> 3 AS INTEGER) AS counted,
      holds.status = 'open' AS open
    FROM holds, json_each(holds.counts) AS share WHERE holds.counts IS NOT NULL
  ), counted AS (
    SELECT key, sum(iif(open, 0, counted)) AS used, sum(iif(open, counted, 0)) AS held
    FROM shares WHERE key IS NOT NULL GROUP BY key
  )
  SELECT key, coalesce(meters.used, 0) AS used, coalesce(meters.held, 0) AS held,
    coalesce(counted.used, 0) AS c_used, coalesce(counted.held, 0) AS c_held
  FROM meters FULL JOIN counted USING (key)`
