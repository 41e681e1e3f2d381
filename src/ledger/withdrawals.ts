import type { Awaitable } from '../floor/awaitable.ts'
import type { Result } from '../floor/result.ts'
import type { Msat } from '../money/msat.ts'
import type { AccountId, PaymentId } from './ledger.ts'

/**
 * Money that leaves: the part of the ledger that withdrawals, change and refunds use. A withdrawal is
 * a hold of paid-in credit (threats L12): it is set aside, sent by somebody else, and closed when it
 * is known what became of it. No timer gives it back. One function says what may leave
 * (threats L11).
 */
export interface WithdrawalBook {
  /**
   * What may leave now, by source: unspent paid-in credit, newest deposit first, because the oldest
   * is spent first. Bonus, gifts and debts are not in it, nor what is held. Null if there is no such
   * account.
   */
  withdrawable(account: AccountId): Awaitable<readonly Withdrawable[] | null>
  /**
   * Sets amount and fee aside, and takes back the part of tier bonuses that has not vested. It is on
   * disk when this resolves, and nothing may be sent before. The same id again answers `exists`.
   */
  withdraw(request: WithdrawalRequest): Promise<Result<Withdrawal, WithdrawalRefused>>
  /**
   * Closes a withdrawal for good, on disk. `sent` takes the amount and the fee that it really cost,
   * and gives the rest of the fee back; `failed` gives everything back, with the bonus. A fee above
   * what was set aside is taken from the withdrawable rest of the account, and what is missing then
   * is `loss:overrun`. Only the first close counts.
   */
  closeWithdrawal(
    id: WithdrawalId,
    close: WithdrawalClose,
  ): Promise<Result<Withdrawal, 'withdrawal_not_found' | 'already_closed'>>
  withdrawal(id: WithdrawalId): Promise<Withdrawal | null>
  /** Withdrawals that are not closed, of all accounts, oldest first. */
  openWithdrawals(): Promise<readonly Withdrawal[]>
  /**
   * Books a payment that left the wallet although this ledger, which was restored from an older
   * backup, does not know of it: takes it from the account as far as its paid-in credit of that source
   * goes, and books the rest as `loss:overrun`. The same id again changes nothing (threats L13).
   */
  recordLost(lost: LostWithdrawal): Promise<Withdrawal>
  /**
   * Says where the sats of a deposit are that was credited before deposits had a source. Such deposits
   * have the name of their wallet, which for ecash is `ecash` and names no mint. They are found with
   * `Statement.paymentsOf`. A payment that is not known changes nothing.
   */
  nameSource(payment: PaymentId, source: string): Promise<void>
}

/** What may leave from one source. */
export interface Withdrawable {
  readonly source: string
  readonly amount: Msat
}

/** Names a withdrawal by what it pays: `ln:<payment hash>`, or a hash of account and Idempotency-Key. */
export type WithdrawalId = string

export interface WithdrawalRequest {
  readonly id: WithdrawalId
  readonly account: AccountId
  readonly source: string
  /** What its receiver gets. */
  readonly amount: Msat
  /** The most that sending it may cost. It is paid from the account. */
  readonly fee: Msat
  /** `lightning`, `ecash` or `change`, for the list. */
  readonly kind: string
  readonly at: number
}

export type WithdrawalClose =
  | { readonly is: 'sent'; readonly fee: Msat; readonly at: number }
  | { readonly is: 'failed'; readonly reason: string; readonly at: number }

export interface Withdrawal extends WithdrawalRequest {
  readonly state: 'open' | 'sent' | 'failed'
  /** The fee that it cost, once it is sent. */
  readonly paidFee: Msat | null
  readonly reason: string | null
  readonly closedAt: number | null
}

/**
 * In order of precedence. `exists`: that id was used before; the caller looks it up. `in_flight`: the
 * account has another open withdrawal. `held`: running requests of the account hold money; the caller
 * waits for them. `insufficient_funds`: less may leave from that source.
 */
export type WithdrawalRefused =
  | { readonly why: 'exists' }
  | { readonly why: 'account_not_found' }
  | { readonly why: 'in_flight' }
  | { readonly why: 'held' }
  | { readonly why: 'insufficient_funds'; readonly withdrawable: Msat }

export interface LostWithdrawal extends Omit<WithdrawalRequest, 'kind'> {}
