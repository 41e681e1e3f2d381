import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { QUANTITIES } from '../../money/quantities.ts'
import { unitOf } from '../entry.ts'
import * as proof from '../proof.ts'
import type { HoldState } from '../state.ts'
import { number, type Row, reading, text, whole } from './rows.ts'

const DAY = 86_400_000

/** One row of `earnings`. The quantities are in the order of `QUANTITIES`. */
interface Earned {
  requests: number
  readonly quantities: number[]
  earned: bigint
  overrun: bigint
}

/** Adds up again what the file keeps as sums: earnings by day and model, and meters. */
export class Sums {
  readonly earnings = new Map<string, Earned>()
  readonly #meters = new Map<string, { used: bigint; held: bigint }>()
  readonly #put: StatementSync

  constructor(db: DatabaseSync) {
    db.exec(SCRATCH)
    this.#put = db.prepare(PUT)
  }

  hold({ close, counts, model, status }: HoldState): void {
    for (const { counted, key } of counts) {
      if (key === null) continue
      const meter = this.#meters.get(key) ?? { used: 0n, held: 0n }
      if (status === 'open') meter.held += counted
      else meter.used += counted
      this.#meters.set(key, meter)
    }
    if (close === null || status === 'released') return
    const { bonus, bought, overrun, paid, quantities } = close
    const sum = this.#earned(Math.floor(close.at / DAY), model)
    for (const [i, name] of QUANTITIES.entries()) {
      sum.quantities[i] = (sum.quantities[i] ?? 0) + (quantities[name] ?? 0)
    }
    sum.requests++
    sum.earned += paid + bonus + bought
    sum.overrun += overrun
  }

  archived(row: Row, { earned, overrun }: { earned: bigint; overrun: bigint }): void {
    const sum = this.#earned(number(row, 'day'), text(row, 'model'))
    for (const [i, name] of QUANTITIES.entries()) {
      sum.quantities[i] = (sum.quantities[i] ?? 0) + numberOr0(row, name)
    }
    sum.requests += number(row, 'requests')
    sum.earned += earned
    sum.overrun += overrun
  }

  /** Writes the meters of the holds so far into a temporary table, for they may be very many. */
  flush(): void {
    for (const [key, { held, used }] of this.#meters) this.#put.run(key, used, held)
    this.#meters.clear()
  }

  #earned(day: number, model: string): Earned {
    const key = `${day} ${model}`
    const known = this.earnings.get(key)
    if (known !== undefined) return known
    const sum = { requests: 0, quantities: [], earned: 0n, overrun: 0n }
    this.earnings.set(key, sum)
    return sum
  }
}

const numberOr0 = (row: Row, name: string): number => (row[name] === null ? 0 : number(row, name))

/** Compares all sums that the file keeps. `kinds` are the sums of the drawers by their kind. */
export function* provenSums(
  db: DatabaseSync,
  sums: Sums,
  kinds: ReadonlyMap<string, bigint>,
): Iterable<string> {
  yield* doubtEarnings(db, sums.earnings)
  for (const row of reading(db, INCOME).iterate()) {
    const what = text(row, 'what')
    const unit = what.endsWith(' usd') ? 'micro-dollars' : 'msat'
    yield `income of ${what} says ${whole(row, 'kept')} ${unit}, its deposits say ${whole(row, 'sum')}`
  }
  for (const row of reading(db, OUTGO).iterate()) {
    yield `what left on ${text(row, 'what')} is ${whole(row, 'kept')} msat, its withdrawals say ${whole(row, 'sum')}`
  }
  for (const row of reading(db, 'SELECT kind, msat FROM totals').iterate()) {
    const kind = text(row, 'kind')
    const [kept, sum] = [whole(row, 'msat'), kinds.get(kind) ?? 0n]
    if (kept !== sum) {
      yield `the total of ${kind} says ${kept} ${unitOf(`${kind}:`)}, its drawers say ${sum}`
    }
  }
  for (const row of reading(db, METERS).iterate()) {
    const key = text(row, 'key')
    const stored = { key, used: whole(row, 'used'), held: whole(row, 'held') }
    yield* proof.doubtMeter(stored, { key, used: whole(row, 'c_used'), held: whole(row, 'c_held') })
  }
}

function* doubtEarnings(db: DatabaseSync, earnings: Map<string, Earned>): Iterable<string> {
  for (const row of reading(db, 'SELECT * FROM earnings').iterate()) {
    const key = `${number(row, 'day')} ${text(row, 'model')}`
    const quantities = QUANTITIES.map((name) => numberOr0(row, name))
    const kept = [row.requests, row.earned, row.overrun, quantities].join()
    const sum = earnings.get(key)
    const right = sum === undefined ? NOTHING : shown(sum)
    if (kept !== right) yield `earnings of day ${key} say ${kept}, its holds say ${right}`
    earnings.delete(key)
  }
  for (const [key, sum] of earnings) {
    yield `earnings of day ${key} say nothing, its holds say ${shown(sum)}`
  }
}

const shown = ({ earned, overrun, quantities, requests }: Earned): string =>
  [requests, earned, overrun, quantities].join()
const NOTHING = [0, 0, 0, QUANTITIES.map(() => 0)].join()

const SCRATCH = `
  CREATE TEMP TABLE by_meter (key TEXT PRIMARY KEY, used INTEGER NOT NULL, held INTEGER NOT NULL)
    WITHOUT ROWID`

const PUT = `
  INSERT INTO temp.by_meter VALUES (?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET used = used + excluded.used, held = held + excluded.held`

/** What the holds that are left count, and what archived ones did. */
const METERS = `
  SELECT key, coalesce(meters.used, 0) AS used, coalesce(meters.held, 0) AS held,
    coalesce(by_meter.used, 0) + coalesce(archived, 0) AS c_used, coalesce(by_meter.held, 0) AS c_held
  FROM meters FULL JOIN temp.by_meter USING (key)`

const INCOME = `
  WITH sums AS (
    SELECT day, rail, credit, count(*) AS n, sum(amount) AS amount FROM (
      SELECT at / ${DAY} AS day, rail, credit, amount FROM deposits
      UNION ALL SELECT at / ${DAY}, 'tier', 'bonus', bonus FROM deposits WHERE bonus > 0
    ) GROUP BY 1, 2, 3
  )
  SELECT date(day * 86400, 'unixepoch') || ' ' || rail || ' ' || credit AS what,
    coalesce(income.amount, 0) AS kept, coalesce(sums.amount, 0) AS sum
  FROM income FULL JOIN sums USING (day, rail, credit)
  WHERE payments IS NOT n OR income.amount IS NOT sums.amount`

const OUTGO = `
  WITH sums AS (
    SELECT closed_at / ${DAY} AS day, source, count(*) AS n, sum(amount + paid_fee) AS amount,
      sum(paid_fee) AS fees
    FROM withdrawals WHERE state = 'sent' GROUP BY 1, 2
  )
  SELECT date(day * 86400, 'unixepoch') || ' ' || source AS what,
    coalesce(outgo.amount, 0) AS kept, coalesce(sums.amount, 0) AS sum
  FROM outgo FULL JOIN sums USING (day, source)
  WHERE withdrawals IS NOT n OR outgo.amount IS NOT sums.amount OR outgo.fees IS NOT sums.fees`
