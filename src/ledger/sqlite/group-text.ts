import type { Account, Meter } from '../state.ts'
import type { Group, HoldRow, JsonCell, Numbered } from './group.ts'
import { jsonCell, pushHold, pushInvoice, pushPass, pushRotation } from './rows.ts'
import { pushDeposit, pushWithdrawal } from './withdrawal-rows.ts'

/**
 * A group as one string, which is how it travels to the writer. Each table is one flat list: the
 * cells of one row follow those of the row before, in the order of the columns in `writer.ts`.
 */
export interface GroupRows {
  readonly accounts: readonly JsonCell[]
  readonly drawers: readonly JsonCell[]
  readonly deposits: readonly JsonCell[]
  readonly holds: readonly JsonCell[]
  readonly postings: readonly JsonCell[]
  readonly withdrawals: readonly JsonCell[]
  readonly withdrawalPostings: readonly JsonCell[]
  /** The number of a drawer, and by how much its balance changes. */
  readonly moves: readonly (string | number)[]
  readonly meters: readonly JsonCell[]
  readonly passes: readonly JsonCell[]
  readonly invoices: readonly JsonCell[]
  readonly forgotten: readonly string[]
  readonly facts: readonly JsonCell[]
  readonly revoked: readonly JsonCell[]
  readonly rotations: readonly JsonCell[]
}

export const groupText = (group: Group): string =>
  JSON.stringify({
    accounts: flat(group.newAccounts, pushAccount),
    drawers: flat(group.newDrawers, (cells, [name, n]) => cells.push(n, name)),
    deposits: flat(group.deposits.values(), pushDeposit),
    holds: flat(inOrder(group.holds.values()), pushHold),
    postings: group.postings,
    withdrawals: flat(group.withdrawals.values(), pushWithdrawal),
    withdrawalPostings: group.withdrawalPostings,
    moves: movesOf(group.moves),
    meters: flat(group.meters.values(), pushMeter),
    passes: flat(group.passes.values(), pushPass),
    invoices: flat(group.invoices.values(), pushInvoice),
    forgotten: [...group.forgotten],
    facts: flat(group.facts, (cells, [key, value]) => cells.push(key, value)),
    revoked: flat(group.revoked.values(), (cells, row) =>
      cells.push(row.name, row.account, row.at),
    ),
    rotations: flat(group.rotations.values(), pushRotation),
  } satisfies GroupRows)

export const groupRows = (text: string): GroupRows => JSON.parse(text)

function flat<T>(rows: Iterable<T>, push: (cells: JsonCell[], row: T) => void): JsonCell[] {
  const cells: JsonCell[] = []
  for (const row of rows) push(cells, row)
  return cells
}

/** Money that was held and given back within the group does not move. */
function movesOf(moves: ReadonlyMap<number, bigint>): (string | number)[] {
  const cells: (string | number)[] = []
  for (const [n, by] of moves) if (by !== 0n) cells.push(n, jsonCell(by))
  return cells
}

function pushAccount(cells: JsonCell[], { n, value }: Numbered<Account>): void {
  cells.push(n, value.id, value.createdAt)
}

function pushMeter(cells: JsonCell[], { held, key, used }: Meter): void {
  cells.push(key, jsonCell(used), jsonCell(held))
}

/** By their numbers, so that rows beside each other in the file are written one after the other. */
const inOrder = (rows: Iterable<HoldRow>): readonly HoldRow[] => [...rows].sort((a, b) => a.n - b.n)
