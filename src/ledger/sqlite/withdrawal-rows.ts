import { type Msat, msat, ZERO } from '../../money/msat.ts'
import { microUsd } from '../../money/usd.ts'
import type { Credited, DepositState, Part, WithdrawalState } from '../state.ts'
import type { DepositRow, JsonCell, WithdrawalRow } from './group.ts'
import { jsonCell, maybeNumber, maybeText, money, number, type Row, text, whole } from './rows.ts'

/** Deposits and withdrawals as rows of the disk. */

export const DEPOSIT_COLUMNS = [
  ...['n', 'payment', 'account', 'amount', 'credit', 'rail', 'native_amount', 'native_unit'],
  ...['native_rate', 'at', 'source', 'bonus', 'withdrawn'],
]

/** What changes if a deposit is written again. */
export const DEPOSIT_CHANGES = `ON CONFLICT (n) DO UPDATE SET
  source = excluded.source, withdrawn = excluded.withdrawn`

export function pushDeposit(cells: JsonCell[], { account, n, value }: DepositRow): void {
  const { amount, at, credit, native, payment, rail } = value
  cells.push(n, payment, account, jsonCell(amount), credit, rail)
  cells.push(native.amount, native.unit, native.rate, at)
  if (value.credit === 'usd') cells.push(null, 0, 0)
  else {
    const { bonus = ZERO, source = null, withdrawn } = value
    cells.push(source, jsonCell(bonus), jsonCell(withdrawn))
  }
}

/** Reads a row of `deposits` that is joined with its account's id as `account_id`. */
export const creditedOf = (row: Row): Credited =>
  row.credit === 'usd'
    ? { ...headOf(row), credit: 'usd', amount: microUsd(whole(row, 'amount')) }
    : depositOf(row)

/** The same, of a deposit in sats. */
export const depositOf = (row: Row): DepositState => ({
  ...headOf(row),
  amount: money(row, 'amount'),
  credit: text(row, 'credit') as 'paid' | 'bonus',
  source: maybeText(row, 'source') ?? undefined,
  bonus: money(row, 'bonus'),
  withdrawn: money(row, 'withdrawn'),
})

const headOf = (row: Row) => ({
  payment: text(row, 'payment'),
  account: text(row, 'account_id'),
  rail: text(row, 'rail'),
  native: {
    amount: text(row, 'native_amount'),
    unit: text(row, 'native_unit'),
    rate: text(row, 'native_rate'),
  },
  at: number(row, 'at'),
})

/** The columns of a withdrawal that never change, in the order of `pushWithdrawal`. */
const FIXED = 'n id account source amount fee kind at'.split(' ')
const MOVING = 'state paid_fee reason closed_at parts bonus instead overrun'.split(' ')

export const WITHDRAWAL_COLUMNS = [...FIXED, ...MOVING]

/** What changes if a withdrawal is written again, which is when it closes. */
export const WITHDRAWAL_CHANGES = `ON CONFLICT (n) DO UPDATE SET
  ${MOVING.map((name) => `${name} = excluded.${name}`).join(', ')}`

export function pushWithdrawal(cells: JsonCell[], { account, n, value }: WithdrawalRow): void {
  const { amount, at, bonus, fee, id, instead, kind, overrun, paidFee, source } = value
  cells.push(n, id, account, source, jsonCell(amount), jsonCell(fee), kind, at)
  cells.push(value.state, paidFee === null ? null : jsonCell(paidFee), value.reason, value.closedAt)
  cells.push(partsText(value.parts), jsonCell(bonus), jsonCell(instead), jsonCell(overrun))
}

/** Reads a row of `withdrawals` that is joined with its account's id as `account_id`. */
export const withdrawalOf = (row: Row): WithdrawalState => ({
  id: text(row, 'id'),
  account: text(row, 'account_id'),
  source: text(row, 'source'),
  amount: money(row, 'amount'),
  fee: money(row, 'fee'),
  kind: text(row, 'kind'),
  at: number(row, 'at'),
  state: text(row, 'state') as WithdrawalState['state'],
  paidFee: row.paid_fee === null ? null : money(row, 'paid_fee'),
  reason: maybeText(row, 'reason'),
  closedAt: maybeNumber(row, 'closed_at'),
  parts: partsOf(text(row, 'parts')),
  bonus: money(row, 'bonus'),
  instead: money(row, 'instead'),
  overrun: money(row, 'overrun'),
})

/** Pairs of a payment and an amount. Amounts are texts, because JSON has no bigint. */
const partsText = (parts: readonly Part[]): string =>
  JSON.stringify(parts.map(({ amount, payment }) => [payment, `${amount}`]))

function partsOf(json: string): readonly Part[] {
  const pairs: readonly (readonly [string, string])[] = JSON.parse(json)
  return pairs.map(([payment, amount]): Part => ({ payment, amount: amountOf(amount) }))
}

const amountOf = (amount: string): Msat => msat(BigInt(amount))
