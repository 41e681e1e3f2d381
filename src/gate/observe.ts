import { type Awaitable, andThen } from '../floor/awaitable.ts'
import type { Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { AccountId, Closed, HoldRequest, Ledger } from '../ledger/ledger.ts'
import { MemoryStore } from '../ledger/memory-store.ts'
import type { HoldState } from '../ledger/state.ts'
import { StoreLedger } from '../ledger/store-ledger.ts'
import { msat } from '../money/msat.ts'
import type { HoldLedger } from './hold.ts'
import type { Payer } from './payer.ts'

/** A copy of the accounts, for one day. */
interface Copy {
  readonly day: string
  readonly ledger: Ledger
  /** What of the real credit of each account is in it. */
  readonly credited: Map<AccountId, bigint>
  deposits: number
}

/**
 * Judges observed requests by the rules of the ledger, on a copy of the accounts. The real ledger
 * is only read, so no credit moves (threats L26). Observed charges lower the copy, so a request is
 * refused here when a charging gate would refuse it. The copy is not stored, and each day (UTC)
 * begins with a new one (threats L6).
 */
export class ObservedLedger implements HoldLedger {
  readonly #real: Pick<Ledger, 'balance'>
  readonly #world: Pick<World, 'now'>
  #copy: Copy = newCopy('')
  /** The copy of the day before: a request that began then may still run. */
  #before: Copy = this.#copy

  constructor(real: Pick<Ledger, 'balance'>, world: Pick<World, 'now'>) {
    this.#real = real
    this.#world = world
  }

  hold(request: HoldRequest): ReturnType<Ledger['hold']> {
    const day = dayOf(this.#world.now())
    if (day !== this.#copy.day) {
      this.#before = this.#copy
      this.#copy = newCopy(day)
    }
    const copy = this.#copy
    return andThen(this.#credit(request.account, copy), () => copy.ledger.hold(request))
  }

  balance(account: AccountId): ReturnType<Ledger['balance']> {
    return this.#copy.ledger.balance(account)
  }

  extend(...args: Parameters<Ledger['extend']>): ReturnType<Ledger['extend']> {
    return this.#whereItIs((ledger) => ledger.extend(...args))
  }

  settle(...args: Parameters<Ledger['settle']>): ReturnType<Ledger['settle']> {
    return this.#whereItIs((ledger) => ledger.settle(...args))
  }

  release(...args: Parameters<Ledger['release']>): ReturnType<Ledger['release']> {
    return this.#whereItIs((ledger) => ledger.release(...args))
  }

  /** A hold that is not on the copy of today was opened on the one before, or is forgotten. */
  #whereItIs<T>(
    change: (ledger: Ledger) => Awaitable<Result<T, Closed>>,
  ): Awaitable<Result<T, Closed>> {
    const before = this.#before
    return andThen(change(this.#copy.ledger), (changed) =>
      changed.ok || changed.error !== 'hold_not_found' ? changed : change(before.ledger),
    )
  }

  /** Adds the credit that the account got since the copy last read it. */
  #credit(account: AccountId, copy: Copy): Awaitable<unknown> {
    return andThen(this.#real.balance(account), (real) => {
      const { credited, ledger } = copy
      const all = real === null ? 0n : real.available + real.held - real.owed
      const before = credited.get(account) ?? 0n
      if (real === null || (all <= before && credited.has(account))) return null
      credited.set(account, all)
      copy.deposits += 1
      return ledger.deposit({
        payment: `observed:${copy.deposits}`,
        account,
        amount: msat(all - before),
        credit: 'bonus',
        rail: 'observed',
        native: { amount: `${all - before}`, unit: 'msat', rate: '1' },
        at: this.#world.now(),
      })
    })
  }
}

/** Keeps what accounts and limits have left, and forgets everything that is over. */
class ShortMemory extends MemoryStore {
  override write(step: Parameters<MemoryStore['write']>[0]): void {
    super.write(step)
    this.entries.length = 0
    this.deposits.clear()
  }

  protected override remember(hold: HoldState): void {
    if (hold.close !== null && hold.close.owed > 0n) super.remember(hold)
    else this.holds.delete(hold.id)
  }
}

const newCopy = (day: string): Copy => ({
  day,
  ledger: new StoreLedger(new ShortMemory(), 'observed'),
  credited: new Map(),
  deposits: 0,
})

/** The payer of observed requests without a pass: one account for each day (threats L6). */
export const anonymous = (now: number): Payer => ({
  account: `anonymous-${dayOf(now)}`,
  limits: [],
  scope: { is: 'request' },
  generation: 0,
  via: 'free',
})

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
