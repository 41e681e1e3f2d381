import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { World } from '../floor/world.ts'
import { isTransaction } from '../rails/x402/facilitator-wire.ts'
import type { X402Payments, X402Row } from '../rails/x402/payments.ts'
import { SqliteX402Payments } from '../rails/x402/sqlite-payments.ts'
import type { Confirmed, Taking } from '../rails/x402/taking.ts'
import { X402Damaged } from '../rails/x402/x402-file.ts'
import { amount, time } from './control-json.ts'
import { Failed } from './failed.ts'
import { shortPayment } from './short-payment.ts'
import { LATE } from './unknown-payments.ts'

/** What `satgate wallet confirm --payments` asks. */
export type PaymentQuestion =
  | { readonly do: 'list' }
  | {
      readonly do: 'confirm'
      /** The short name of a payment, or its beginning. */
      readonly payment: string
      readonly transaction: string
      /** Without it nothing is changed. */
      readonly yes: boolean
    }

/** The payments in dollars of a folder. */
export interface PaymentBooks {
  readonly payments: Pick<X402Payments, 'unknown'>
  readonly confirm: Taking['confirm']
  /** A gate that takes dollars runs on the folder, and credits what is confirmed. */
  readonly credits: boolean
  close(): void
}

/** Null: no dollars were ever taken with this folder. */
export type OpenPayments = () => PaymentBooks | null

/** `x402.db`. In a gate that takes dollars it is open; else it is opened for each question. */
export function openPayments(
  folder: string,
  running: {
    readonly opened: { readonly payments: X402Payments } | null
    readonly rail: Pick<Taking, 'confirm'> | null
  } | null,
): OpenPayments {
  const { opened = null, rail = null } = running ?? {}
  if (opened !== null && rail !== null) {
    const { payments } = opened
    const confirm: Taking['confirm'] = (...about) => rail.confirm(...about)
    return () => ({ payments, confirm, credits: true, close: () => {} })
  }
  return () => {
    const payments = paymentsAt(folder)
    if (payments === null) return null
    const confirm: Taking['confirm'] = (...about) => payments.confirm(...about)
    return { payments, confirm, credits: false, close: () => payments.close() }
  }
}

/** Null if there is no `x402.db` in the folder. Throws `Failed`. */
export function paymentsAt(folder: string): SqliteX402Payments | null {
  const path = join(folder, 'x402.db')
  if (!existsSync(path)) return null
  try {
    return new SqliteX402Payments(path)
  } catch (error) {
    if (!(error instanceof X402Damaged)) throw error
    throw new Failed(`${error.message}.`, 4)
  }
}

/** More are not looked at: the newest ones count. */
const MOST = 10_000
/** Characters of a short name that tell one payment from all others. */
const FEWEST = 8

/**
 * Lists the payments of which nobody learns whether they arrived, or confirms one of them with the
 * transaction that the operator saw on the chain. The gate itself believes its own settlement alone
 * (threats L15). Throws an error whose message is for a person.
 */
export function answerPayments(
  open: OpenPayments | null,
  question: PaymentQuestion,
  { now }: Pick<World, 'now'>,
): readonly UnknownPaymentJson[] | ConfirmedJson {
  const books = open?.() ?? null
  if (books === null) {
    if (question.do === 'list') return []
    throw new Failed('no payment in dollars was ever taken with this folder')
  }
  try {
    const rows = overdue(books.payments.unknown(MOST), now())
    if (question.do === 'list') return rows.map(paymentJson)
    return confirmed(named(question.payment, rows), question, books)
  } finally {
    books.close()
  }
}

const overdue = (rows: readonly X402Row[], now: number): readonly X402Row[] =>
  rows.filter(({ at, state }) => state === 'lost' || at <= now - LATE)

function named(payment: string, rows: readonly X402Row[]): X402Row {
  const found = rows.filter(({ id }) => shortPayment(id).startsWith(payment))
  const [row] = found
  if (payment.length >= FEWEST && row !== undefined && found.length === 1) return row
  throw new Failed(
    found.length > 1
      ? `more than one payment begins with ${payment}: give more of its name`
      : `no payment without an end is called ${payment}. Perhaps it has an end by now. satgate wallet confirm --payments lists those that have none`,
  )
}

function confirmed(
  row: X402Row,
  { transaction: typed, yes }: Extract<PaymentQuestion, { do: 'confirm' }>,
  { confirm, credits }: PaymentBooks,
): ConfirmedJson {
  const transaction = typed.toLowerCase()
  if (!isTransaction(transaction)) throw new Failed(MALFORMED)
  const answer = confirm(row.id, transaction, { write: yes })
  if (answer !== 'confirmed') throw new Failed(REFUSALS[answer])
  return {
    ...{ confirmed: yes, ...paymentJson(row), transaction },
    credited: credits ? 'soon' : 'at_the_next_start',
  }
}

export const MALFORMED =
  'a transaction is 0x and 64 hex digits, as the chain shows it. Nothing was changed'

const REFUSALS: Readonly<Record<Exclude<Confirmed, 'confirmed'>, string>> = {
  busy: 'a request presents this payment just now. Try again in a moment',
  not_unknown: 'this payment has an end by now. Nothing was changed',
  of_another:
    'another payment has that transaction, and one transaction pays one payment. Nothing was changed',
}

const paymentJson = ({ at, id, payment, requirement, state }: X402Row) => ({
  payment: shortPayment(id),
  at: time(at),
  amount_usd_micros: amount(requirement.amount),
  network: requirement.network,
  state,
  // By these the operator finds it on the chain.
  ...{ from: payment.authorization.from, to: requirement.payTo, asset: requirement.asset },
  nonce: payment.authorization.nonce,
})
export type UnknownPaymentJson = ReturnType<typeof paymentJson>

export interface ConfirmedJson extends UnknownPaymentJson {
  /** False without `--yes`: nothing was changed. */
  readonly confirmed: boolean
  readonly transaction: string
  /** When the ledger has it. */
  readonly credited: 'soon' | 'at_the_next_start'
}
