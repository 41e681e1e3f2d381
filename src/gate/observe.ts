import { andThen } from '../floor/awaitable.ts'
import type { World } from '../floor/world.ts'
import type { AccountId, HoldId, HoldRequest, Ledger } from '../ledger/ledger.ts'
import { MemoryStore } from '../ledger/memory-store.ts'
import { StoreLedger } from '../ledger/store-ledger.ts'
import { msat } from '../money/msat.ts'
import type { HoldLedger } from './hold.ts'
import type { Payer } from './payer.ts'

/**
 * Judges observed requests by the rules of the ledger, on a copy of the accounts. The real ledger
 * is only read, so no credit moves (threats L26). Observed charges lower the copy, so a request is
 * refused here when a charging gate would refuse it. The copy is not stored, and each day (UTC)
 * begins with a new one (threats L6).
 */
export class ObservedLedger implements HoldLedger {
  readonly #real: Pick<Ledger, 'balance'>
  readonly #world: Pick<World, 'now'>
  /** The copy to which an open hold belongs. It may be the one of the day before. */
  readonly #open = new Map<HoldId, Ledger>()
  #copy = { day: '', ledger: newCopy(), credited: new Map<AccountId, bigint>(), deposits: 0 }

  constructor(real: Pick<Ledger, 'balance'>, world: Pick<World, 'now'>) {
    this.#real = real
    this.#world = world
  }

  hold(request: HoldRequest): ReturnType<Ledger['hold']> {
    const day = dayOf(this.#world.now())
    if (day !== this.#copy.day) {
      this.#copy = { day, ledger: newCopy(), credited: new Map(), deposits: 0 }
    }
    return andThen(this.#credit(request.account), () => {
      const { ledger } = this.#copy
      return andThen(ledger.hold(request), (held) => {
        if (held.ok) this.#open.set(request.id, ledger)
        return held
      })
    })
  }

  balance(account: AccountId): ReturnType<Ledger['balance']> {
    return this.#copy.ledger.balance(account)
  }

  extend(...args: Parameters<Ledger['extend']>): ReturnType<Ledger['extend']> {
    return this.#ledgerOf(args[0]).extend(...args)
  }

  settle(...args: Parameters<Ledger['settle']>): ReturnType<Ledger['settle']> {
    const ledger = this.#ledgerOf(args[0])
    this.#open.delete(args[0])
    return ledger.settle(...args)
  }

  release(...args: Parameters<Ledger['release']>): ReturnType<Ledger['release']> {
    const ledger = this.#ledgerOf(args[0])
    this.#open.delete(args[0])
    return ledger.release(...args)
  }

  #ledgerOf(id: HoldId): Ledger {
    return this.#open.get(id) ?? this.#copy.ledger
  }

  /** Adds the credit that the account got since the copy last read it. */
  async #credit(account: AccountId): Promise<void> {
    const real = await this.#real.balance(account)
    const { credited, ledger } = this.#copy
    const all = real === null ? 0n : real.available + real.held - real.owed
    const before = credited.get(account) ?? 0n
    if (real === null || (all <= before && credited.has(account))) return
    credited.set(account, all)
    this.#copy.deposits += 1
    await ledger.deposit({
      payment: `observed:${this.#copy.deposits}`,
      account,
      amount: msat(all - before),
      credit: 'bonus',
      rail: 'observed',
      native: { amount: `${all - before}`, unit: 'msat', rate: '1' },
      at: this.#world.now(),
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

  protected override remember(hold: Parameters<MemoryStore['writeHold']>[0]): void {
    if (hold.close !== null && hold.close.owed > 0n) super.remember(hold)
    else this.holds.delete(hold.id)
  }
}

const newCopy = (): Ledger => new StoreLedger(new ShortMemory(), 'observed')

/** The payer of observed requests without a pass: one account for each day (threats L6). */
export const anonymous = (now: number): Payer => ({
  account: `anonymous-${dayOf(now)}`,
  limits: [],
  scope: 'account',
  via: 'free',
})

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
