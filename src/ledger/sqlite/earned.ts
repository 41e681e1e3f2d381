import type { DatabaseSync } from 'node:sqlite'
import { QUANTITIES } from '../../money/quantities.ts'
import type { JsonCell } from './group.ts'
import { Insert } from './insert.ts'
import { HOLD_CHANGES, HOLD_COLUMNS } from './rows.ts'
import { QUANTITIES_ADDED, QUANTITY_COLUMNS, QUANTITY_PLACES } from './sums-sql.ts'

/** What the holds of one group that were closed on one day earned with one model. */
interface Earned {
  readonly day: bigint
  readonly model: JsonCell
  requests: bigint
  /** In the order of `QUANTITIES`. A quantity that no hold has used is null. */
  readonly quantities: (bigint | null)[]
  earned: bigint
  overrun: bigint
}

/**
 * Writes the holds of a group, and adds what they charge to `earnings`, in one statement for each day
 * and model. This is the only place that writes holds, so no charge is left out. If a hold that was
 * charged before is written again, the trigger `holds_earn_anew` takes off what it was charged.
 */
export function holdsWriter(db: DatabaseSync): (cells: readonly JsonCell[]) => void {
  const holds = new Insert(db, { table: 'holds', columns: HOLD_COLUMNS, conflict: HOLD_CHANGES })
  const add = db.prepare(ADD)
  return (cells) => {
    holds.all(cells)
    for (const { day, earned, model, overrun, quantities, requests } of earnedBy(cells)) {
      add.run(day, model, requests, ...quantities, earned, overrun)
    }
  }
}

function earnedBy(cells: readonly JsonCell[]): Iterable<Earned> {
  const sums = new Map<string, Earned>()
  for (let row = 0; row < cells.length; row += HOLD_COLUMNS.length) {
    const status = cells[row + STATUS]
    if (status !== 'settled' && status !== 'expired') continue
    const day = Math.floor(Number(cells[row + CLOSED_AT]) / DAY)
    const model = cells[row + MODEL] ?? null
    const key = `${day} ${model}`
    const sum = sums.get(key) ?? nothing(day, model)
    sums.set(key, sum)
    sum.requests += 1n
    sum.earned += whole(cells[row + CHARGED_PAID]) + whole(cells[row + CHARGED_BONUS])
    sum.overrun += whole(cells[row + OVERRUN])
    const others = cells[row + OTHERS] ?? null
    const used = others === null ? NONE : JSON.parse(String(others))
    for (const [i, name] of QUANTITIES.entries()) {
      const count = COLUMN_OF[i] === -1 ? used[name] : cells[row + (COLUMN_OF[i] ?? -1)]
      if (count !== undefined && count !== null) {
        sum.quantities[i] = (sum.quantities[i] ?? 0n) + BigInt(count)
      }
    }
  }
  return sums.values()
}

const nothing = (day: number, model: JsonCell): Earned => ({
  day: BigInt(day),
  model,
  requests: 0n,
  quantities: QUANTITIES.map(() => null),
  earned: 0n,
  overrun: 0n,
})

const whole = (cell: JsonCell | undefined): bigint => BigInt(cell ?? 0)

const DAY = 86_400_000
const NONE: Readonly<Record<string, number>> = {}

const column = (name: string): number => HOLD_COLUMNS.indexOf(name)
const STATUS = column('status')
const CLOSED_AT = column('closed_at')
const MODEL = column('model')
const CHARGED_PAID = column('charged_paid')
const CHARGED_BONUS = column('charged_bonus')
const OVERRUN = column('overrun')
const OTHERS = column('others')
/** The column of each quantity, -1 if it is among the others. */
const COLUMN_OF = QUANTITIES.map(column)

const ADD = `
  INSERT INTO earnings (day, model, requests, ${QUANTITY_COLUMNS}, earned, overrun)
  VALUES (?, ?, ?, ${QUANTITY_PLACES}, ?, ?)
  ON CONFLICT (day, model) DO UPDATE SET requests = requests + excluded.requests,
    ${QUANTITIES_ADDED},
    earned = earned + excluded.earned, overrun = overrun + excluded.overrun`
