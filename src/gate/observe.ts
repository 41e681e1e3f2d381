import { type Awaitable, andThen } from '../floor/awaitable.ts'
import type { Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { AccountId, Closed, HoldRequest, Ledger } from '../ledger/ledger.ts'
import { MemoryStore } from '../ledger/memory-store.ts'
import type { HoldState } from '../ledger/state.ts'
import { StoreLedger } from '../ledger/store-ledger.ts'
import { msat } from '../money/msat.ts'
import { microUsd } from '../money/usd.ts'
import type { HoldLedger } from './hold.ts'
import type { Payer } from './payer.ts'

/** A copy of the accounts, for one day. */
interface Copy {
  readonly day: string
  readonly ledger: Ledger
  /** What of the real credit of each account is in it. */
  readonly credited: Map<AccountId, { readonly sats: bigint; readonly usd: bigint }>
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
      if (real === null) return null
      const sats = real.available + real.held - real.owed
      const before = credited.get(account)
      const moreSats = sats - (before?.sats ?? 0n)
      const moreUsd = real.usd - (before?.usd ?? 0n)
      if (before !== undefined && moreSats <= 0n && moreUsd <= 0n) return null
      const most = (a: bigint, b = a) => (a > b ? a : b)
      credited.set(account, { sats: most(sats, before?.sats), usd: most(real.usd, before?.usd) })
      const head = () => {
        copy.deposits += 1
        const payment = `observed:${copy.deposits}`
        return { payment, account, rail: 'observed', at: this.#world.now() }
      }
      const native = (amount: bigint, unit: string) => ({ amount: `${amount}`, unit, rate: '1' })
      const dollars =
        moreUsd <= 0n
          ? null
          : ledger.deposit({
              ...{ ...head(), credit: 'usd', amount: microUsd(moreUsd) },
              native: native(moreUsd, 'micro-usd'),
            })
      if (moreSats <= 0n && before !== undefined) return dollars
      const deposited = ledger.deposit({
        ...{ ...head(), credit: 'bonus', amount: msat(most(moreSats, 0n)) },
        native: native(moreSats, 'msat'),
      })
      return dollars === null ? deposited : dollars.then(() => deposited)
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
