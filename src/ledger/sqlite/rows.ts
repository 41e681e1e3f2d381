import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { assert } from '../../floor/assert.ts'
import { msat } from '../../money/msat.ts'
import type { Clamped } from '../../money/price.ts'
import { QUANTITIES, type Quantities, type Quantity } from '../../money/quantities.ts'
import type { InvoiceRow } from '../invoices.ts'
import type { Unit } from '../ledger.ts'
import type { PassRow } from '../passes.ts'
import type { RevokedRow, Rotation } from '../revocations.ts'
import type { Close, Count, HoldState, Status } from '../state.ts'
import { type DollarsOfRow, dollarsOf, dollarsText } from './dollar-rows.ts'
import type { HoldRow, JsonCell } from './group.ts'

/**
 * Turns rows of the disk into records and back. Whole numbers are read as bigint, so that no amount
 * is rounded.
 */
export type Cell = string | number | bigint | null
export type Row = Readonly<Record<string, unknown>>

/**
 * A whole number as JSON can carry it: as a text if a number could not name it exactly. SQLite turns
 * such a text back into the same whole number when it puts it into an INTEGER column.
 */
export function jsonCell(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

/** Prepares a query whose rows the functions here can read. */
export function reading(db: DatabaseSync, sql: string): StatementSync {
  const statement = db.prepare(sql)
  statement.setReadBigInts(true)
  return statement
}

/** The number of the next row of a table. The newest row has the greatest one. */
export function nextNumber(db: DatabaseSync, table: string, column = 'n'): number {
  const last = reading(db, `SELECT ${column} AS last FROM ${table} ORDER BY n DESC LIMIT 1`).get()
  return last === undefined ? 1 : number(last, 'last') + 1
}

export const text = (row: Row, column: string): string => {
  const value = row[column]
  assert(typeof value === 'string', `column ${column} is no text`)
  return value
}

export const whole = (row: Row, column: string): bigint => {
  const value = row[column]
  assert(typeof value === 'bigint', `column ${column} is no whole number`)
  return value
}

/** For times and counts. */
export const number = (row: Row, column: string): number => Number(whole(row, column))
export const money = (row: Row, column: string) => msat(whole(row, column))

export const maybeText = (row: Row, column: string): string | null =>
  row[column] === null ? null : text(row, column)
export const maybeNumber = (row: Row, column: string): number | null =>
  row[column] === null ? null : number(row, column)

/** The columns of a hold that never change, in the order of `pushHold`. */
const HOLD_FIXED =
  'n id account pass model dialect granted clamped amount before paid bonus opened_at'.split(' ')

/** The columns that extending or closing a hold changes. */
const HOLD_MOVING = [
  ...['owner', 'deadline', 'sofar', 'counts', 'status', 'closed_at', 'end', 'usage'],
  ...['input', 'cached', 'output', 'others', 'charged_paid', 'charged_bonus', 'overrun', 'owed'],
  'dollars',
]

export const HOLD_COLUMNS = [...HOLD_FIXED, ...HOLD_MOVING]

/** What changes if a hold is written again. */
export const HOLD_CHANGES = `ON CONFLICT (n) DO UPDATE SET
  ${HOLD_MOVING.map((name) => `${name} = excluded.${name}`).join(', ')}`

/** The columns of bonus contain what dollars bought (`schema-dollars.ts`). */
export function pushHold(cells: JsonCell[], { account, n, value: hold }: HoldRow): void {
  const { close, dollars } = hold
  const used = close?.quantities
  cells.push(
    n,
    hold.id,
    account,
    hold.pass,
    hold.model,
    hold.dialect,
    hold.granted,
    hold.clamped === 'output' ? null : hold.clamped,
    jsonCell(hold.amount),
    jsonCell(hold.before),
    jsonCell(hold.paid),
    jsonCell(dollars === null ? hold.bonus : hold.bonus + dollars.bought),
    hold.openedAt,
    hold.owner,
    hold.deadline,
    jsonCell(hold.sofar),
    countsText(hold.counts),
    hold.status,
    close?.at ?? null,
    close?.end ?? null,
    close?.usage ?? null,
    used?.input ?? null,
    used?.cached ?? null,
    used?.output ?? null,
    used === undefined ? null : othersText(used),
    close === null ? null : jsonCell(close.paid),
    close === null ? null : jsonCell(close.bonus + close.bought),
    close === null ? null : jsonCell(close.overrun),
    close === null ? 0 : jsonCell(close.owed),
    dollarsText(hold),
  )
}

/** Reads a row of `holds` that is joined with its account's id as `account_id`. */
export function holdOf(row: Row): HoldState {
  const { bought, held, spent } = dollarsOf(maybeText(row, 'dollars'))
  return {
    id: text(row, 'id'),
    account: text(row, 'account_id'),
    owner: maybeText(row, 'owner'),
    granted: number(row, 'granted'),
    clamped: (maybeText(row, 'clamped') ?? 'output') as Clamped,
    amount: money(row, 'amount'),
    before: money(row, 'before'),
    paid: money(row, 'paid'),
    bonus: msat(whole(row, 'bonus') - bought),
    dollars: held,
    openedAt: number(row, 'opened_at'),
    deadline: number(row, 'deadline'),
    sofar: money(row, 'sofar'),
    model: text(row, 'model'),
    dialect: text(row, 'dialect'),
    pass: maybeText(row, 'pass'),
    counts: countsOf(maybeText(row, 'counts')),
    status: text(row, 'status') as Status,
    posted: true,
    close: row.closed_at === null ? null : closeOf(row, spent),
  }
}

const closeOf = (row: Row, { bought, usd }: DollarsOfRow['spent']): Close => ({
  at: number(row, 'closed_at'),
  end: text(row, 'end'),
  usage: text(row, 'usage'),
  quantities: quantitiesOf(row),
  paid: money(row, 'charged_paid'),
  bonus: msat(whole(row, 'charged_bonus') - bought),
  usd,
  bought,
  owed: money(row, 'owed'),
  overrun: money(row, 'overrun'),
})

const TOKENS: readonly Quantity[] = ['input', 'cached', 'output']
const OTHERS = QUANTITIES.filter((name) => !TOKENS.includes(name))

/**
 * Nearly every request counts tokens and nothing else, so tokens have columns and everything else is
 * one text, which is null if there is nothing else.
 */
function othersText(used: Quantities): string | null {
  if (OTHERS.every((name) => used[name] === undefined)) return null
  return JSON.stringify(used, [...OTHERS])
}

/** Reads a row with the columns `input`, `cached`, `output` and `others`. */
function quantitiesOf(row: Row): Quantities {
  const others = maybeText(row, 'others')
  const quantities: Partial<Record<Quantity, number>> = others === null ? {} : JSON.parse(others)
  for (const name of TOKENS) if (row[name] !== null) quantities[name] = number(row, name)
  return quantities
}

/**
 * What a hold counts at meters, as one list of four values each. Whole numbers are texts, because
 * JSON has no bigint.
 */
function countsText(counts: readonly Count[]): string | null {
  if (counts.length === 0) return null
  return JSON.stringify(counts.map((c) => [c.key, c.unit, `${c.max}`, `${c.counted}`]))
}

function countsOf(json: string | null): readonly Count[] {
  if (json === null) return []
  const lists: readonly (readonly [string | null, Unit, string, string])[] = JSON.parse(json)
  return lists.map(([key, unit, max, counted]) => ({
    key,
    unit,
    max: BigInt(max),
    counted: BigInt(counted),
  }))
}

export const PASS_COLUMNS =
  'hash payment token_id key_id account shared caveats created_at used_at generation'.split(' ')

export function pushPass(cells: JsonCell[], row: PassRow): void {
  const caveats = row.caveats === null ? null : JSON.stringify(row.caveats)
  cells.push(row.hash, row.payment, row.tokenId, row.keyId, row.account, row.shared ? 1 : 0)
  cells.push(caveats, row.createdAt, row.usedAt, row.generation)
}

export const passOf = (row: Row): PassRow => ({
  hash: text(row, 'hash'),
  payment: text(row, 'payment'),
  tokenId: maybeText(row, 'token_id'),
  keyId: text(row, 'key_id'),
  account: text(row, 'account'),
  shared: whole(row, 'shared') === 1n,
  caveats: caveatsOf(maybeText(row, 'caveats')),
  createdAt: number(row, 'created_at'),
  usedAt: maybeNumber(row, 'used_at'),
  generation: number(row, 'generation'),
})

const caveatsOf = (json: string | null): readonly string[] | null =>
  json === null ? null : JSON.parse(json)

export const INVOICE_COLUMNS =
  'hash account amount bonus wallet bolt11 created_at expires_at settled_at'.split(' ')

export function pushInvoice(cells: JsonCell[], row: InvoiceRow): void {
  cells.push(row.hash, row.account, jsonCell(row.amount), jsonCell(row.bonus))
  cells.push(row.wallet, row.bolt11)
  cells.push(row.createdAt, row.expiresAt, row.settledAt)
}

export const invoiceOf = (row: Row): InvoiceRow => ({
  hash: text(row, 'hash'),
  account: text(row, 'account'),
  amount: money(row, 'amount'),
  bonus: money(row, 'bonus'),
  wallet: text(row, 'wallet'),
  bolt11: text(row, 'bolt11'),
  createdAt: number(row, 'created_at'),
  expiresAt: number(row, 'expires_at'),
  settledAt: maybeNumber(row, 'settled_at'),
})

export const revokedOf = (row: Row): RevokedRow => ({
  name: text(row, 'name'),
  account: text(row, 'account'),
  at: number(row, 'at'),
})

export const ROTATION_COLUMNS =
  'account generation pass from_generation at idempotency_key used_at'.split(' ')

export function pushRotation(cells: JsonCell[], row: Rotation): void {
  cells.push(row.account, row.generation, row.pass, row.from, row.at, row.key, row.usedAt)
}

export const rotationOf = (row: Row): Rotation => ({
  account: text(row, 'account'),
  generation: number(row, 'generation'),
  pass: maybeText(row, 'pass'),
  from: number(row, 'from_generation'),
  at: number(row, 'at'),
  key: maybeText(row, 'idempotency_key'),
  usedAt: maybeNumber(row, 'used_at'),
})
