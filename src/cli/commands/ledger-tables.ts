import type {
  AccountJson,
  Amount,
  EntryJson,
  HoldJson,
  WithdrawalJson,
} from '../../daemon/control-json.ts'
import { formatSat } from '../../money/msat.ts'
import { formatUsd } from '../../money/usd.ts'
import { table } from '../tables.ts'

/** The tables of `satgate ledger`, by subcommand. The unit is that of the books. */
export const VIEWS = {
  accounts: accountsTable,
  holds: holdsTable,
  entries: entriesTable,
  withdrawals: withdrawalsTable,
} as const

/** An amount of a command's JSON, in sats for people. */
export const inSats = (msat: Amount): string => formatSat(BigInt(msat))

/** Micro-dollars of a command's JSON, in dollars for people. */
export const inDollars = (micros: Amount): string => `$${formatUsd(BigInt(micros))}`

/** An amount in the unit in which it is named. */
export const inItsUnit = (
  of: { readonly amount_msat: Amount } | { readonly amount_usd_micros: Amount },
): string => ('amount_msat' in of ? inSats(of.amount_msat) : inDollars(of.amount_usd_micros))

/** A time of a command's JSON, for people. */
export const clock = (time: string): string => time.slice(0, 19).replace('T', ' ')
/** Ids of holds and payments are long. The first digits are enough to tell them apart. */
const short = (id: string): string => id.slice(0, 14)

function accountsTable(rows: readonly AccountJson[], unit: string): string {
  // Few accounts have a withdrawal under way.
  const leaves = rows.some((row) => BigInt(row.leaving_msat) > 0n)
  const leaving = leaves ? ['leaving'] : []
  const hasUsd = rows.some((row) => BigInt(row.usd_micros) > 0n)
  return table(
    [
      ...['account', `available ${unit}`, 'of it paid', 'of it bonus', 'held', ...leaving],
      ...['owes', ...(hasUsd ? ['dollars'] : []), 'since (UTC)'],
    ],
    rows.map((row) => [
      row.account,
      ...[row.available_msat, row.paid_msat, row.bonus_msat, row.held_msat].map(inSats),
      ...(leaves ? [inSats(row.leaving_msat)] : []),
      inSats(row.owed_msat),
      ...(hasUsd ? [inDollars(row.usd_micros)] : []),
      clock(row.created_at),
    ]),
  )
}

function holdsTable(rows: readonly HoldJson[], unit: string): string {
  const hasUsd = rows.some((row) => BigInt(row.usd_micros) > 0n)
  return table(
    ['hold', 'account', 'model', unit, ...(hasUsd ? ['dollars set aside'] : []), 'since (UTC)'],
    rows.map((row) => [
      ...[short(row.id), row.account, row.model, inSats(row.amount_msat)],
      ...(hasUsd ? [inDollars(row.usd_micros)] : []),
      clock(row.opened_at),
    ]),
  )
}

function withdrawalsTable(rows: readonly WithdrawalJson[], unit: string): string {
  return table(
    ['withdrawal', 'account', 'kind', 'from', unit, 'fee at most', 'since (UTC)'],
    rows.map((row) => [
      ...[short(row.id), row.account, row.kind, row.source],
      ...[inSats(row.amount_msat), inSats(row.fee_msat), clock(row.opened_at)],
    ]),
  )
}

function entriesTable(rows: readonly EntryJson[], unit: string): string {
  return table(
    ['time (UTC)', 'why', 'from', 'to', unit, 'for'],
    rows.flatMap((row) =>
      row.postings.map((one) => [
        ...[clock(row.at), row.why, one.debit, one.credit],
        ...[inItsUnit(one), short(row.ref)],
      ]),
    ),
  )
}
