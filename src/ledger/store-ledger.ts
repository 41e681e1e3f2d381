import { assert } from '../floor/assert.ts'
import type { Awaitable } from '../floor/awaitable.ts'
import { ok, type Result } from '../floor/result.ts'
import { add, type Msat, msat } from '../money/msat.ts'
import type { MicroUsd } from '../money/usd.ts'
import { type ClosedStep, type CloseView, closable, expire, release, settle } from './close.ts'
import type { Deposit } from './deposit.ts'
import { room } from './grant.ts'
import type {
  AccountId,
  Balance,
  Closed,
  Hold,
  HoldId,
  HoldRefused,
  HoldRequest,
  Ledger,
  Limit,
  OwnerId,
  Page,
  PaymentId,
  Settled,
  UsageRow,
} from './ledger.ts'
import { extend, post } from './open-hold.ts'
import { collected } from './owed.ts'
import {
  type Account,
  available,
  type Close,
  type DepositState,
  type HoldState,
  type Meter,
  type Step,
  type WithdrawalState,
} from './state.ts'
import * as transitions from './transitions.ts'
import { meterKey } from './window.ts'
import type { WithdrawalId } from './withdrawals.ts'

/**
 * Where the state is kept. Reads and `write` are synchronous, so nothing else runs between the
 * first read of a step and its write. This makes a step atomic within one process.
 */
export interface Store {
  account(id: AccountId): Account | null
  /** A meter that was never used is at zero. */
  meter(key: string): Meter
  hold(id: HoldId): HoldState | null
  openHolds(): Iterable<HoldState>
  /** Closed holds of an account that owe, oldest first. */
  owing(account: AccountId): readonly HoldState[]
  /** The accounts of all closed holds that owe. */
  debtors(): Iterable<AccountId>
  /** The unspent dollars of all accounts, with what open holds have of them. */
  outstandingUsd(): MicroUsd
  /** The account to which a payment was credited. */
  creditedTo(payment: PaymentId): AccountId | null
  /** A payment in sats. */
  depositOf(payment: PaymentId): DepositState | null
  /**
   * The account's deposits of paid-in credit of which something is left, newest first. They are read
   * as they are asked for, because nearly always the newest ones answer a question.
   */
  paidIn(account: AccountId): Iterable<DepositState>
  withdrawal(id: WithdrawalId): WithdrawalState | null
  openWithdrawals(): Iterable<WithdrawalState>
  /**
   * Writes all of the step, or throws and writes nothing. It is on disk when `durable` resolves; a
   * hold that is not posted is remembered alone, and never on disk.
   */
  write(step: Step): void
  /** Resolves when everything written so far is on disk. */
  durable(): Promise<void>
  usage(account: AccountId, pass: string | null, page: Page): Awaitable<readonly UsageRow[]>
}

/**
 * A ledger over a store: reads what a step needs, lets `transitions.ts` decide, and writes the
 * result. Everything that does not wait for the disk is answered at once, without a promise.
 */
export class StoreLedger implements Ledger {
  readonly #store: Store
  readonly #owner: OwnerId

  /** `owner` is the gate that opens holds here. Several gates may have ledgers over one store. */
  constructor(store: Store, owner: OwnerId) {
    this.#store = store
    this.#owner = owner
  }

  async deposit(
    deposit: Deposit,
  ): Promise<Result<Balance, 'already_deposited' | 'deposited_elsewhere'>> {
    const account = this.#store.account(deposit.account)
    const known = this.#store.creditedTo(deposit.payment)
    const step = transitions.deposit(deposit, { account, known, owing: this.#owing(account) })
    if (step.ok) this.#store.write(step.value)
    // A retry waits for the disk too. Otherwise it could report a credit that a crash still undoes.
    await this.#store.durable()
    return step.ok ? ok(balanceOf(step.value.account)) : step
  }

  hold(request: HoldRequest): Result<Hold, HoldRefused> {
    const step = transitions.hold(request, this.#owner, {
      account: this.#store.account(request.account),
      used: this.#store.hold(request.id) !== null,
      meters: this.#meters(request.limits.map((limit) => meterKey(limit, request.at))),
    })
    if (!step.ok) return step
    this.#store.write(step.value)
    const { account, amount, before, granted, id } = step.value.hold
    return ok({ id, account, granted, amount, before })
  }

  extend(...[id, deadline, sofar]: Parameters<Ledger['extend']>): Result<true, Closed> {
    const hold = extend(this.#store.hold(id), deadline, sofar)
    if (!hold.ok) return hold
    this.#store.write(post(hold.value, this.#accountOf(hold.value)))
    return ok<true>(true)
  }

  settle(...[id, charge]: Parameters<Ledger['settle']>): Result<Settled, Closed> {
    return this.#close(id, (view) => settle(view, charge))
  }

  release(...[id, end, at]: Parameters<Ledger['release']>): Result<Settled, Closed> {
    return this.#close(id, (view) => release(view, end, at))
  }

  async expire(at: number): Promise<readonly Settled[]> {
    return this.#expire(({ deadline }) => deadline < at, at)
  }

  async recover(at: number): Promise<readonly Settled[]> {
    for (const id of new Set(this.#store.debtors())) {
      const account = this.#store.account(id)
      if (account !== null) this.#store.write(collected(account, this.#owing(account), at))
    }
    return this.#expire(({ owner }) => owner === this.#owner, at)
  }

  /**
   * Posts all open holds that are in memory alone. Views of the book then show them, and after a stop
   * without a crash they are still open.
   */
  postAll(): void {
    for (const hold of [...this.#store.openHolds()].filter(({ posted }) => !posted)) {
      this.#store.write(post(hold, this.#accountOf(hold)))
    }
  }

  balance(account: AccountId): Balance | null {
    const state = this.#store.account(account)
    return state === null ? null : balanceOf(state)
  }

  left(limit: Limit, at: number): bigint {
    const [meter] = this.#meters([meterKey(limit, at)])
    return room(limit, meter ?? null)
  }

  outstandingUsd(): MicroUsd {
    return this.#store.outstandingUsd()
  }

  async usage(...args: Parameters<Ledger['usage']>): Promise<readonly UsageRow[]> {
    return this.#store.usage(...args)
  }

  #expire(isDue: (hold: HoldState) => boolean, at: number): readonly Settled[] {
    const due = [...this.#store.openHolds()].filter(isDue)
    return due.map((hold) => this.#apply(expire(this.#view(hold), at)))
  }

  #close(id: HoldId, closing: (view: CloseView) => ClosedStep): Result<Settled, Closed> {
    const hold = closable(this.#store.hold(id))
    return hold.ok ? ok(this.#apply(closing(this.#view(hold.value)))) : hold
  }

  #apply(step: ClosedStep): Settled {
    this.#store.write(step)
    const { overrun, owed } = step.hold.close
    return {
      id: step.hold.id,
      charged: chargedOf(step.hold.close),
      owed,
      overrun: add(overrun, step.lost),
      after: step.after,
    }
  }

  #view(hold: HoldState): CloseView {
    const account = this.#accountOf(hold)
    const owing = this.#owing(account).filter(({ id }) => id !== hold.id)
    return { hold, account, owing, meters: this.#meters(hold.counts.map(({ key }) => key)) }
  }

  #accountOf(hold: HoldState): Account {
    const account = this.#store.account(hold.account)
    assert(account !== null, `hold ${hold.id} without its account`)
    return account
  }

  #owing(account: Account | null): readonly HoldState[] {
    return account === null || account.owed === 0n ? [] : this.#store.owing(account.id)
  }

  #meters(keys: readonly (string | null)[]): readonly (Meter | null)[] {
    return keys.map((key) => (key === null ? null : this.#store.meter(key)))
  }
}

/** An account as the contract shows it. */
export const balanceOf = (account: Account): Balance => ({
  account: account.id,
  paid: account.paid,
  bonus: account.bonus,
  held: account.held,
  leaving: account.leaving,
  owed: account.owed,
  available: msat(available(account)),
  usd: account.usd,
})

/** What a close has taken so far, in msat. */
const chargedOf = ({ bonus, bought, paid }: Close): Msat => msat(paid + bonus + bought)

/** A closed hold as its owner reads it. */
export function usageOf(hold: HoldState): UsageRow {
  const { close, dollars } = hold
  assert(close !== null, `hold ${hold.id} is open`)
  return {
    id: hold.id,
    at: hold.openedAt,
    model: hold.model,
    dialect: hold.dialect,
    end: close.end,
    usage: close.usage,
    quantities: close.quantities,
    held: hold.amount,
    charged: chargedOf(close),
    owed: close.owed,
    ...(dollars === null || close.usd === 0n
      ? {}
      : { usd: { charged: close.usd, rate: dollars.rate } }),
  }
}
