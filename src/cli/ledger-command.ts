import { onLines } from '../floor/printable.ts'
import { formatSat } from '../money/msat.ts'
import type { Outcome } from './config-command.ts'
import { jsonLine } from './lines.ts'
import { table } from './tables.ts'

/** What `satgate ledger` shows, of the JSON that the office answered. Amounts arrive in msat. */
export type LedgerView = 'accounts' | 'holds' | 'entries'

interface AccountRow {
  readonly account: string
  readonly paid: number
  readonly bonus: number
  readonly held: number
  readonly owed: number
  readonly available: number
  readonly createdAt: number
}
interface HoldRow {
  readonly id: string
  readonly account: string
  readonly model: string
  readonly amount: number
  readonly openedAt: number
}
interface EntryRow {
  readonly at: number
  readonly why: string
  readonly ref: string
  readonly postings: readonly {
    readonly debit: string
    readonly credit: string
    readonly amount: number
  }[]
}

const sat = (msat: number): string => formatSat(BigInt(msat))
const time = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
const short = (id: string): string => id.slice(0, 12)

/** Tables in sats. */
export function ledgerTable(view: LedgerView, answer: unknown): string {
  if (view === 'accounts') {
    const rows = answer as readonly AccountRow[]
    return table(
      ['account', 'available sat', 'paid in', 'bonus', 'held', 'owes', 'since (UTC)'],
      rows.map((row) => [
        short(row.account),
        sat(row.available),
        sat(row.paid),
        sat(row.bonus),
        sat(row.held),
        sat(row.owed),
        time(row.createdAt),
      ]),
    )
  }
  if (view === 'holds') {
    const rows = answer as readonly HoldRow[]
    return table(
      ['hold', 'account', 'model', 'sat', 'since (UTC)'],
      rows.map((row) => [
        short(row.id),
        short(row.account),
        row.model,
        sat(row.amount),
        time(row.openedAt),
      ]),
    )
  }
  const rows = answer as readonly EntryRow[]
  return table(
    ['time (UTC)', 'why', 'debit', 'credit', 'sat', 'for'],
    rows.flatMap((row) =>
      row.postings.map((one) => [
        time(row.at),
        row.why,
        drawer(one.debit),
        drawer(one.credit),
        sat(one.amount),
        short(row.ref),
      ]),
    ),
  )
}

/** Drawers of an account. Those of `owed:` are below zero: it is owed by the buyer. */
const BUYERS = /^(?:paid|bonus|held|owed):/

const drawer = (name: string): string => {
  const colon = name.indexOf(':')
  return BUYERS.test(name) ? `${name.slice(0, colon)}:${short(name.slice(colon + 1))}` : name
}

interface Verdict {
  readonly ok: boolean
  readonly value?: {
    readonly accounts: number
    readonly openHolds: number
    readonly postings: number
    readonly drawers: readonly { readonly drawer: string; readonly balance: number }[]
  }
  readonly error?: readonly string[]
}

/** `satgate ledger verify`: 0 where the books balance, 4 where they do not. */
export function verdict(answer: unknown, json: boolean): Outcome {
  const { ok, value, error } = (json ? answer : onLines(answer)) as Verdict
  const code = ok ? 0 : 4
  if (json)
    return {
      code,
      stdout: jsonLine({ balanced: ok, ...value, problems: error ?? [] }),
      stderr: '',
    }
  if (!ok || value === undefined) {
    const stdout = `The books do NOT balance:\n${(error ?? []).map((line) => `  ${line}\n`).join('')}`
    return { code, stdout, stderr: '' }
  }
  const own = value.drawers.filter(({ drawer: name }) => !BUYERS.test(name))
  const buyers = value.drawers.filter(({ drawer: name }) => BUYERS.test(name))
  const owed = buyers.reduce((sum, { balance }) => sum + balance, 0)
  const stdout = [
    `The books balance: ${value.postings} postings, ${value.accounts} accounts, ${value.openHolds} open holds.\n\n`,
    table(
      ['drawer', 'sat'],
      [...own.map((one) => [one.drawer, sat(one.balance)]), ['owed to buyers', sat(owed)]],
    ),
  ].join('')
  return { code, stdout, stderr: '' }
}

interface Earnings {
  readonly charges: readonly {
    readonly day: string
    readonly model: string
    readonly requests: number
    readonly input: number
    readonly output: number
    readonly earned: number
    readonly overrun: number
  }[]
  readonly deposits: readonly {
    readonly day: string
    readonly rail: string
    readonly credit: string
    readonly payments: number
    readonly amount: number
  }[]
}

/** What came in: charges by day and model, payments by day and rail. */
export function earningsTable(answer: unknown): string {
  const { charges, deposits } = answer as Earnings
  return [
    'Earned, by UTC day and model\n',
    table(
      ['day', 'model', 'requests', 'prompt tokens', 'completion tokens', 'sat', 'lost sat'],
      charges.map((row) => [
        row.day,
        row.model,
        row.requests,
        row.input,
        row.output,
        sat(row.earned),
        sat(row.overrun),
      ]),
    ),
    '\nPaid in, by UTC day and rail\n',
    table(
      ['day', 'rail', 'kind', 'payments', 'sat'],
      deposits.map((row) => [row.day, row.rail, row.credit, row.payments, sat(row.amount)]),
    ),
  ].join('')
}
