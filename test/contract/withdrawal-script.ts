import { msat } from '../../src/money/msat.ts'
import type { Line } from './ledger-script.ts'

/**
 * The lines of scripts that are about money that leaves:
 *
 *   withdrawable ann                     → lnd 700, mint 300        (newest deposit first)
 *   withdraw w1 ann lnd 500 fee=10       → ok, 190 left
 *   sent w1 3                            → sent 500 for 3, 197 left
 *   failed w1                            → failed, 700 left
 *   lost w2 ann lnd 300 fee=1            → sent 300 for 1, 396 left
 *   withdrawal w1                        → sent 500 for 3 of lnd
 *   in-flight                            → w1
 *   owed-by-source                       → lnd 700, mint 300
 *   outgo                                → 2026-11-21 lnd: 2 for 804, 4 of it fees
 *   name p1 lnd
 *   payments-of ecash                    → p1
 */
export const WITHDRAWAL_VERBS: Readonly<Record<string, (line: Line) => Promise<string | null>>> = {
  async withdrawable({ books, words }) {
    const rows = await books.withdrawals.withdrawable(words[0] ?? '')
    return rows === null ? 'none' : shown(rows)
  },

  async withdraw({ books, option, words, world }) {
    const [id = '', account = '', source = '', amount = ''] = words
    const done = await books.withdrawals.withdraw({
      ...{ id, account, source, amount: money(amount), fee: money(option('fee', '0')) },
      ...{ kind: 'lightning', at: world.now() },
    })
    if (done.ok) return `ok, ${await left(books, account)} left`
    if (done.error.why !== 'insufficient_funds') return done.error.why
    return `insufficient_funds, ${done.error.withdrawable} may leave`
  },

  async sent({ books, words, world }) {
    const [id = '', fee = '0'] = words
    const close = { is: 'sent', fee: money(fee), at: world.now() } as const
    const done = await books.withdrawals.closeWithdrawal(id, close)
    if (!done.ok) return done.error
    const { account, amount, paidFee, state } = done.value
    return `${state} ${amount} for ${paidFee}, ${await left(books, account)} left`
  },

  async failed({ books, words, world }) {
    const close = { is: 'failed', reason: 'no route', at: world.now() } as const
    const done = await books.withdrawals.closeWithdrawal(words[0] ?? '', close)
    if (!done.ok) return done.error
    return `${done.value.state}, ${await left(books, done.value.account)} left`
  },

  async lost({ books, option, words, world }) {
    const [id = '', account = '', source = '', amount = ''] = words
    const { state, ...lost } = await books.withdrawals.recordLost({
      ...{ id, account, source, amount: money(amount), fee: money(option('fee', '0')) },
      at: world.now(),
    })
    return `${state} ${lost.amount} for ${lost.paidFee}, ${await left(books, account)} left`
  },

  async withdrawal({ books, words }) {
    const row = await books.withdrawals.withdrawal(words[0] ?? '')
    if (row === null) return 'none'
    const { amount, fee, paidFee, source, state } = row
    return `${state} ${amount} for ${paidFee ?? fee} of ${source}`
  },

  async 'in-flight'({ books }) {
    const open = await books.withdrawals.openWithdrawals()
    return open.map(({ id }) => id).join(' ') || 'nothing'
  },

  async 'owed-by-source'({ books }) {
    const rows = [...(await books.statement.owedBySource())]
    return shown(rows.sort((a, b) => (a.source < b.source ? -1 : 1)))
  },

  async outgo({ books }) {
    const rows = await books.statement.outgo()
    const lines = rows.map(({ amount, day, fees, source, withdrawals }) => {
      return `${day} ${source}: ${withdrawals} for ${amount}, ${fees} of it fees`
    })
    return lines.join('; ') || 'nothing'
  },

  async name({ books, words }) {
    await books.withdrawals.nameSource(words[0] ?? '', words[1] ?? '')
    return null
  },

  async 'payments-of'({ books, option, words }) {
    const before = option('before', '')
    const args = before === '' ? ([] as const) : ([before] as const)
    const limit = Number(option('limit', '9'))
    const payments = await books.statement.paymentsOf(words[0] ?? '', limit, ...args)
    return payments.join(' ') || 'nothing'
  },
}

const money = (amount: string) => msat(BigInt(amount))

const left = async (books: Line['books'], account: string) =>
  (await books.ledger.balance(account))?.available

const shown = (rows: readonly { readonly source: string; readonly amount: bigint }[]): string =>
  rows.map(({ amount, source }) => `${source || '(none)'} ${amount}`).join(', ') || 'nothing'
