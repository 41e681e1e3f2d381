import type { DatabaseSync } from 'node:sqlite'
import { type Drawer, unitOf } from '../entry.ts'
import type { Proof } from '../open-ledger.ts'
import * as proof from '../proof.ts'
import { number, reading, text, whole } from './rows.ts'
import type { Doubt } from './verify-withdrawals.ts'

const iterate = (db: DatabaseSync, sql: string) => reading(db, sql).iterate()

/** The kinds of drawers, in the order of their numbers below. */
export const KINDS: readonly string[] = [
  ...['', 'held', 'revenue', 'loss', 'owed', 'paid', 'bonus', 'leaving', 'rail', 'grant', 'sent'],
  ...['usd', 'usd-rail', 'usd-spent', 'exchange'],
]
const BUYERS: ReadonlySet<string> = new Set([
  ...['held', 'owed', 'paid', 'bonus', 'leaving', 'usd'],
])

/** The drawers of the file, and what was posted to each. Millions of them take some tens of MB. */
export class Drawers {
  /** The sum of the stored balances by kind. */
  readonly kinds = new Map<string, bigint>()
  readonly #db: DatabaseSync
  readonly #kind: Uint8Array
  readonly #posted: BigInt64Array
  readonly #find

  constructor(db: DatabaseSync) {
    this.#db = db
    const [last] = iterate(db, 'SELECT coalesce(max(n), 0) AS n FROM drawers')
    const size = number(last ?? { n: 0n }, 'n') + 1
    this.#kind = new Uint8Array(size)
    this.#posted = new BigInt64Array(size)
    this.#find = reading(db, 'SELECT n FROM drawers WHERE name = ?')
    for (const row of iterate(db, 'SELECT n, name FROM drawers')) {
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
    for (const row of iterate(this.#db, 'SELECT n, name, balance FROM drawers')) {
      const drawer = text(row, 'name') as Drawer
      const balance = whole(row, 'balance')
      const n = number(row, 'n')
      const kind = this.#kind[n] ?? 0
      const word = KINDS[kind] ?? ''
      this.kinds.set(word, (this.kinds.get(word) ?? 0n) + balance)
      doubt(proof.doubtDrawer(drawer, balance, this.#posted[n] ?? 0n))
      if (word === 'held') doubt(proof.doubtHeld(drawer, balance, taken(open, drawer)))
      if (word === 'owed') doubt(proof.doubtOwed(drawer, balance, taken(owed, drawer)))
      if (word === 'leaving') doubt(proof.doubtLeaving(drawer, balance, taken(leaving, drawer)))
      const running = expected.get(drawer)
      if (running !== undefined && running !== balance) {
        doubt([
          `drawer ${drawer} says ${balance} ${unitOf(drawer)}, the running ledger says ${running}`,
        ])
      }
      if (!BUYERS.has(word)) own.push({ drawer, balance })
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
  for (const row of iterate(db, sql)) sums.set(text(row, 'drawer'), whole(row, 'sum'))
  return sums
}

const HELD_BY_ACCOUNT = `
  SELECT 'held:' || accounts.id AS drawer, sum(amount) AS sum
  FROM holds JOIN accounts ON accounts.n = account WHERE status = 'open' GROUP BY account`

const OWED_BY_ACCOUNT = `
  SELECT 'owed:' || accounts.id AS drawer, -sum(owed) AS sum
  FROM holds JOIN accounts ON accounts.n = account WHERE owed > 0 GROUP BY account`

const LEAVING_BY_ACCOUNT = `
  SELECT 'leaving:' || accounts.id AS drawer, sum(amount + fee) AS sum
  FROM withdrawals JOIN accounts ON accounts.n = account WHERE state = 'open' GROUP BY account`
