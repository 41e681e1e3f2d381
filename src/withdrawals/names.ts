import { createHash } from 'node:crypto'
import type { AccountId, PaymentId } from '../ledger/ledger.ts'
import type { WithdrawalId } from '../ledger/withdrawals.ts'

/** How withdrawals are called, in the book and at the wallets. */

const sha256 = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex')

/** A withdrawal by Lightning has the name of its payment, so that no invoice is paid twice. */
export const invoiceWithdrawal = (paymentHash: string): WithdrawalId => `ln:${paymentHash}`

/** A withdrawal as ecash has the name of what asked for it. */
export const ecashWithdrawal = (...asked: readonly string[]): WithdrawalId =>
  `ecash:${sha256(...asked).slice(0, 32)}`

/** A payment has one change, however often it is presented. */
export const changeOfPayment = (payment: PaymentId): WithdrawalId =>
  `change:${sha256(payment).slice(0, 32)}`

/** The name of what an account asked for, under which its repetition is found. */
export const askedName = (account: AccountId, ...asked: readonly string[]): string =>
  `withdraw:${sha256(account, ...asked).slice(0, 40)}`

/**
 * The name that the wallet keeps with the payment. It has the name of the gate, because several
 * gates may pay from one node, and at most 100 characters.
 */
export const nameAtWallet = (gate: string, account: AccountId, id: WithdrawalId): string =>
  `satgate:${gate}:${account}:${id.replace(/^ln:/, '').slice(0, 40)}`

/**
 * The name of a token that is made for a buyer. It is kept beside the coins of this gate, so it does
 * not name the gate: a root key may be added or taken away, and the token is still found.
 */
export const nameOfToken = (account: AccountId, id: WithdrawalId): string =>
  `satgate:${account}:${id}`

/** The account in a name of this gate, which may have had several names; null for any other text. */
export function accountIn(name: string, gates: readonly string[]): AccountId | null {
  const [prefix, of = '', account, rest] = name.split(':')
  const ours = prefix === 'satgate' && gates.includes(of) && rest !== undefined
  return ours && /^[0-9a-f]{32}$/.test(account ?? '') ? (account ?? null) : null
}
