import { ok, type Result } from '../floor/result.ts'
import type { AccountId, PaymentId } from './ledger.ts'
import type { Account, HoldState, WithdrawalState } from './state.ts'
import type { Store } from './store-ledger.ts'
import * as rules from './withdraw.ts'
import { renamed, withdrawalOf } from './withdraw.ts'
import { withdrawable } from './withdrawable.ts'
import type {
  LostWithdrawal,
  Withdrawable,
  Withdrawal,
  WithdrawalBook,
  WithdrawalClose,
  WithdrawalId,
  WithdrawalRefused,
  WithdrawalRequest,
} from './withdrawals.ts'

/**
 * The withdrawals of a store: reads what a step needs, lets `withdraw.ts` decide, and writes the
 * result. Whatever it answers about a withdrawal is on disk.
 */
export class StoreWithdrawals implements WithdrawalBook {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  withdrawable(account: AccountId): readonly Withdrawable[] | null {
    const state = this.#store.account(account)
    return state === null ? null : withdrawable(state, this.#store.paidIn(account))
  }

  async withdraw(request: WithdrawalRequest): Promise<Result<Withdrawal, WithdrawalRefused>> {
    const store = this.#store
    const step = rules.withdraw(request, {
      account: store.account(request.account),
      known: store.withdrawal(request.id),
      deposits: store.paidIn(request.account),
    })
    return this.#written(step)
  }

  async closeWithdrawal(
    id: WithdrawalId,
    close: WithdrawalClose,
  ): Promise<Result<Withdrawal, 'withdrawal_not_found' | 'already_closed'>> {
    const store = this.#store
    const withdrawal = store.withdrawal(id)
    const account = withdrawal === null ? null : store.account(withdrawal.account)
    const step = rules.closeWithdrawal(close, {
      withdrawal,
      account,
      from: (withdrawal?.parts ?? []).flatMap(({ payment }) => store.depositOf(payment) ?? []),
      deposits: account === null ? [] : store.paidIn(account.id),
      owing: this.#owing(account),
    })
    return this.#written(step)
  }

  async withdrawal(id: WithdrawalId): Promise<Withdrawal | null> {
    await this.#store.durable()
    const known = this.#store.withdrawal(id)
    return known === null ? null : withdrawalOf(known)
  }

  async openWithdrawals(): Promise<readonly Withdrawal[]> {
    await this.#store.durable()
    return [...this.#store.openWithdrawals()].map(withdrawalOf)
  }

  async recordLost(request: LostWithdrawal): Promise<Withdrawal> {
    const store = this.#store
    const known = store.withdrawal(request.id)
    const account = store.account(request.account)
    const deposits = store.paidIn(request.account)
    const written = known ?? this.#write(rules.lost(request, { account, deposits }))
    await store.durable()
    return withdrawalOf(written)
  }

  async nameSource(payment: PaymentId, source: string): Promise<void> {
    const deposit = this.#store.depositOf(payment)
    const account = deposit === null ? null : this.#store.account(deposit.account)
    if (deposit !== null && account !== null) this.#store.write(renamed(account, deposit, source))
    await this.#store.durable()
  }

  /** A refusal waits for the disk too: otherwise it could tell of what a crash still undoes. */
  async #written<E>(step: Result<rules.Leaving, E>): Promise<Result<Withdrawal, E>> {
    if (step.ok) this.#write(step.value)
    await this.#store.durable()
    return step.ok ? ok(withdrawalOf(step.value.withdrawal)) : step
  }

  #write(step: rules.Leaving): WithdrawalState {
    this.#store.write(step)
    return step.withdrawal
  }

  #owing(account: Account | null): readonly HoldState[] {
    return account === null || account.owed === 0n ? [] : this.#store.owing(account.id)
  }
}
