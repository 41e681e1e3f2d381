import type { DatabaseSync } from 'node:sqlite'
import { assert } from '../../floor/assert.ts'
import { QUANTITIES } from '../../money/quantities.ts'
import type { Close, HoldState } from '../state.ts'
import { dayStart, meterEnd } from '../window.ts'
import { type Cell, holdOf, number, type Row, reading, text, whole } from './rows.ts'
import { QUANTITIES_ADDED, QUANTITY_COLUMNS, QUANTITY_PLACES, SIDES_OF_HOLD } from './sums-sql.ts'

/** The name of the fact that says up to which time details may be missing, in ms since the epoch. */
export const ARCHIVED = 'ledger:archived'

/** Rows that one step looks at, and holds that it archives at most, which takes a few ms. */
const LOOKED_AT = 500
const MOST = 100

/**
 * One step of the archiving: looks at the holds after number `from`, and adds those that were closed
 * before `before` to the row of their day, account and model. A hold is archived only if it can never
 * change again (settled, and nothing of it is owed), and if its postings come to exactly what it says
 * in each drawer. Any other stays, and `verify` reports it if it is wrong.
 */
export function archiveHolds(db: DatabaseSync) {
  const sql = statements(db)
  return ({ before, from }: { readonly before: number; readonly from: number }) => {
    const rows = sql.next.all(from, LOOKED_AT)
    let last = from
    let archived = 0
    let old = false
    for (const row of rows) {
      if (archived === MOST) break
      last = number(row, 'n')
      const hold = holdOf(row)
      old ||= hold.openedAt < before
      if (isDue(hold, before) && archive(sql, last, { ...hold, row })) archived++
    }
    if (archived > 0) sql.note.run(`${before}`)
    // Numbers grow with time, so behind many newer holds there is none that is due.
    const isLast = last === number(rows.at(-1) ?? { n: BigInt(from) }, 'n')
    return { archived, last, over: isLast && (rows.length < LOOKED_AT || !old) }
  }
}

type Settled = HoldState & { readonly close: Close }

const isDue = (hold: HoldState, before: number): hold is Settled =>
  hold.status === 'settled' &&
  hold.close !== null &&
  hold.close.owed === 0n &&
  hold.close.at < before

type Statements = ReturnType<typeof statements>

/** Returns false, and changes nothing, if something about the hold is not as it should be. */
function archive(sql: Statements, n: number, hold: Settled & { readonly row: Row }): boolean {
  const { close, model, row } = hold
  if (!isPosted(sql, n, hold)) return false
  const counted = hold.counts.filter(({ counted, key }) => key !== null && counted > 0n)
  if (counted.some(({ key }) => sql.meter.get(key) === undefined)) return false
  const quantities = QUANTITIES.map((name): Cell => close.quantities[name] ?? null)
  const charged = [close.paid, close.bonus, close.overrun, close.usd, close.bought]
  const day = dayStart(close.at) / DAY
  sql.add.run(day, whole(row, 'account'), model, ...quantities, ...charged)
  for (const { counted: used, key } of counted) sql.count.run(used, key)
  sql.mark.run(n)
  sql.postings.run(n)
  assert(sql.leave.run(n).changes === 1, 'a hold leaves once')
  return true
}

/** Whether the postings of a hold come to exactly its charge, in the drawers of its account and model. */
function isPosted(sql: Statements, n: number, { account, close, model }: Settled): boolean {
  const { bonus, bought, overrun, paid, usd } = close
  const right = new Map([
    [`paid:${account}`, -paid],
    [`bonus:${account}`, -bonus],
    ['loss:overrun', -overrun],
    ['exchange:usd', -bought],
    [`revenue:${model}`, paid + bonus + bought + overrun],
    [`usd:${account}`, -usd],
    ['usd-spent:exchange', usd],
  ])
  for (const row of sql.posted.all(n)) {
    const drawer = text(row, 'drawer')
    if (whole(row, 'msat') !== right.get(drawer)) return false
    right.delete(drawer)
  }
  return [...right.values()].every((msat) => msat === 0n)
}

/**
 * One step of removing the meters of windows that ended before `before`, after the key `from`. A
 * meter leaves if all that it counts is archived and no hold can change what it counts.
 */
export function archiveMeters(db: DatabaseSync) {
  const next = reading(
    db,
    'SELECT key, archived = used AND held = 0 AS whole FROM meters WHERE key > ? ORDER BY key LIMIT ?',
  )
  const leave = db.prepare('DELETE FROM meters WHERE key = ?')
  const changing = reading(db, CHANGING)
  return ({ before, from }: { readonly before: number; readonly from: string }) => {
    const kept = new Set(changing.all().map((row) => row.key))
    const rows = next.all(from, LOOKED_AT)
    let last = from
    for (const row of rows) {
      last = text(row, 'key')
      const end = meterEnd(last)
      if (end === null || end > before || whole(row, 'whole') === 0n || kept.has(last)) continue
      leave.run(last)
    }
    return { last, over: rows.length < LOOKED_AT }
  }
}

const DAY = 86_400_000

/** The meters of holds that are open, or expired and may still be settled. */
const CHANGING = `
  SELECT DISTINCT share.value ->> 0 AS key FROM (
    SELECT counts FROM holds WHERE status = 'open' UNION ALL
    SELECT counts FROM holds WHERE status = 'expired'), json_each(counts) AS share
  WHERE counts IS NOT NULL`

const ADD = `
  INSERT INTO archived (day, account, model, requests, ${QUANTITY_COLUMNS}, paid, bonus, overrun,
    usd, bought)
  VALUES (?, ?, ?, 1, ${QUANTITY_PLACES}, ?, ?, ?, ?, ?)
  ON CONFLICT (day, account, model) DO UPDATE SET requests = requests + 1,
    ${QUANTITIES_ADDED},
    paid = paid + excluded.paid, bonus = bonus + excluded.bonus, overrun = overrun + excluded.overrun,
    usd = usd + excluded.usd, bought = bought + excluded.bought`

/** Details that were closed before the greatest such time are not complete. */
const NOTE = `
  INSERT INTO facts VALUES ('${ARCHIVED}', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value
  WHERE CAST(excluded.value AS INTEGER) > CAST(value AS INTEGER)`

const POSTED = `
  SELECT name AS drawer, sum(moved) AS msat FROM (${SIDES_OF_HOLD})
  JOIN drawers USING (n) GROUP BY n HAVING sum(moved) <> 0`

const statements = (db: DatabaseSync) => ({
  next: reading(
    db,
    `SELECT holds.*, accounts.id AS account_id FROM holds JOIN accounts ON accounts.n = account
     WHERE holds.n > ? ORDER BY holds.n LIMIT ?`,
  ),
  posted: reading(db, POSTED),
  meter: reading(db, 'SELECT used FROM meters WHERE key = ?'),
  add: db.prepare(ADD),
  count: db.prepare('UPDATE meters SET archived = archived + ? WHERE key = ?'),
  mark: db.prepare("UPDATE holds SET status = 'archived' WHERE n = ? AND status = 'settled'"),
  note: db.prepare(NOTE),
  postings: db.prepare('DELETE FROM postings WHERE hold = ?'),
  leave: db.prepare("DELETE FROM holds WHERE n = ? AND status = 'archived'"),
})
