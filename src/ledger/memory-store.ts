import { TransientMap } from '../floor/transient-map.ts'
import { type MicroUsd, NO_USD } from '../money/usd.ts'
import type { Entry } from './entry.ts'
import type { AccountId, HoldId, Page, PaymentId } from './ledger.ts'
import {
  type Account,
  type Credited,
  credited,
  type DepositState,
  type HoldState,
  type Meter,
  outstanding,
  type Step,
  type WithdrawalState,
} from './state.ts'
import { type Store, usageOf } from './store-ledger.ts'
import type { WithdrawalId } from './withdrawals.ts'

/** Everything that a ledger keeps, in memory: for tests, and for requests that are only observed. */
export class MemoryStore implements Store {
  readonly accounts = new Map<AccountId, Account>()
  readonly meters = new Map<string, Meter>()
  readonly holds = new Map<HoldId, HoldState>()
  readonly deposits = new Map<PaymentId, Credited>()
  readonly withdrawals = new Map<WithdrawalId, WithdrawalState>()
  readonly entries: Entry[] = []
  readonly #open = new TransientMap<HoldState>()
  #outstanding = NO_USD

  account = (id: AccountId): Account | null => this.accounts.get(id) ?? null
  meter = (key: string): Meter => this.meters.get(key) ?? { key, used: 0n, held: 0n }
  hold = (id: HoldId): HoldState | null => this.#open.get(id) ?? this.holds.get(id) ?? null
  openHolds = (): Iterable<HoldState> => this.#open.values()
  owing = (account: AccountId): readonly HoldState[] =>
    [...this.holds.values()].filter(
      (hold) => hold.account === account && hold.close !== null && hold.close.owed > 0n,
    )
  creditedTo = (payment: PaymentId): AccountId | null => this.deposits.get(payment)?.account ?? null
  depositOf(payment: PaymentId): DepositState | null {
    const known = this.deposits.get(payment)
    return known === undefined || known.credit === 'usd' ? null : known
  }
  paidIn = (account: AccountId): Iterable<DepositState> =>
    [...this.deposits.values()]
      .flatMap((one) => (one.account === account && one.credit === 'paid' ? one : []))
      .reverse()
  outstandingUsd = (): MicroUsd => this.#outstanding
  withdrawal = (id: WithdrawalId): WithdrawalState | null => this.withdrawals.get(id) ?? null
  openWithdrawals = (): Iterable<WithdrawalState> =>
    [...this.withdrawals.values()].filter(({ state }) => state === 'open')
  durable = async (): Promise<void> => {};

  *debtors(): Iterable<AccountId> {
    for (const { account, close } of this.holds.values()) {
      if (close !== null && close.owed > 0n) yield account
    }
  }

  write(step: Step): void {
    const { account, deposit, deposits = [], entries, hold, meters, owing, withdrawal } = step
    this.#outstanding = outstanding(this.#outstanding, this.accounts.get(account.id), account)
    this.accounts.set(account.id, account)
    if (deposit !== null) this.deposits.set(deposit.payment, credited(deposit))
    for (const one of deposits) this.deposits.set(one.payment, one)
    if (withdrawal !== undefined) this.withdrawals.set(withdrawal.id, withdrawal)
    if (hold !== null) this.#put(hold)
    for (const one of owing) this.#put(one)
    for (const meter of meters) this.meters.set(meter.key, meter)
    this.entries.push(...entries)
  }

  #put(hold: HoldState): void {
    this.remember(hold)
    if (hold.status === 'open') this.#open.set(hold.id, hold)
    else this.#open.delete(hold.id)
  }

  protected remember(hold: HoldState): void {
    this.holds.set(hold.id, hold)
  }

  prune(before: number): number {
    const leaving = new Set<HoldId>()
    for (const { close, id, status } of this.holds.values()) {
      if (status === 'released' && close !== null && close.at < before) leaving.add(id)
    }
    for (const id of leaving) this.holds.delete(id)
    const staying = this.entries.filter(({ ref, why }) => why === 'deposit' || !leaving.has(ref))
    this.entries.splice(0, this.entries.length, ...staying)
    for (const { held, key, used } of this.meters.values()) {
      if (used === 0n && held === 0n) this.meters.delete(key)
    }
    return leaving.size
  }

  usage(account: AccountId, pass: string | null, { before, limit }: Page) {
    const own = [...this.holds.values()].filter(
      (hold) => hold.account === account && (pass === null || hold.pass === pass),
    )
    const end = before === null ? own.length : own.findIndex(({ id }) => id === before)
    const older = own.slice(0, Math.max(end, 0)).filter(({ status }) => status !== 'open')
    return older.reverse().slice(0, limit).map(usageOf)
  }
}
