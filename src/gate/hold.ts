import type { Bound } from '../dialects/dialect.ts'
import type { World } from '../floor/world.ts'
import type {
  AccountId,
  Charge,
  Hold,
  HoldRefused,
  HoldRequest,
  Ledger,
  Settled,
} from '../ledger/ledger.ts'
import { least, type Msat, msat, ZERO } from '../money/msat.ts'
import { at, ceilingLine, type Rate } from '../money/price.ts'
import type { Slot, Targets } from './targets.ts'

/** What a request wants set aside. */
export interface Want {
  readonly request: Pick<HoldRequest, 'id' | 'account' | 'limits' | 'what'>
  readonly rate: Rate
  /** The most of everything but the output. Its input, bytes, is held if the account affords it. */
  readonly bound: Bound
  /** What the model's template was seen to add to that: held beside it, and judged by limits (J4). */
  readonly template: number
  /** Tokens of the input. Slow to find out, so it is asked for only if the bound is not affordable. */
  readonly inputEstimate: () => Promise<number>
  /** Output tokens of all choices: fewer than `least` is no answer, `most` is what was asked for. */
  readonly least: number
  readonly most: number
}

/** A hold and a slot, with the input bound that the hold was priced at. `no_slot`: all are taken. */
export type Taken =
  | { readonly ok: true; readonly hold: Hold; readonly slot: Slot; readonly input: number }
  | { readonly ok: false; readonly refused: NotHeld; readonly input: number }

export type NotHeld = HoldRefused | { readonly why: 'no_slot' }

type Slots = Pick<Targets, 'take'>

/** What holds need of a ledger. */
export type HoldLedger = Pick<Ledger, 'hold' | 'extend' | 'settle' | 'release' | 'balance'>

/** ms that money held by the account's own running requests is waited for. */
const PATIENCE = 5_000

/**
 * Sets money aside: the whole wish if the account affords it, else what it affords, else a refusal.
 * Clamping goes to what the account and its pass have, not to what happens to be free this moment:
 * what their own running requests hold is waited for.
 *
 * A slot at a backend is taken before the money, and given back whenever the money is not held at
 * once. So no request waits in a slot, and a pass that is nearly empty keeps nobody else out.
 */
export class Holds {
  readonly #ledger: HoldLedger
  readonly #world: World
  readonly #life: number
  readonly #waiting = new Map<AccountId, Set<() => void>>()

  /** `life`: ms after which a hold whose stream says nothing counts as lost. */
  constructor(ledger: HoldLedger, world: World, life: number) {
    this.#ledger = ledger
    this.#world = world
    this.#life = life
  }

  /** Refusals are the ledger's, in its order; `held` only after waiting some 5 s. */
  async take(want: Want, slots: Slots, gone: () => boolean): Promise<Taken> {
    const bound = want.bound.input + want.template
    const whole = await this.#hold(want, slots, { input: bound, least: want.most })
    if (whole.ok) return whole
    if (whole.refused.why === 'no_slot') return this.#noSlot(want, bound)
    const input = await estimated(want)
    const until = this.#world.elapsed() + PATIENCE
    for (;;) {
      const tried = await this.#hold(want, slots, { input, least: want.least, patient: true })
      if (!tried.ok && tried.refused.why === 'no_slot') return this.#noSlot(want, input)
      if (tried.ok || tried.refused.why !== 'held') return tried
      const left = until - this.#world.elapsed()
      // What is free right now is better than nothing, once nothing more can be waited for.
      if (gone() || left <= 0) return this.#hold(want, slots, { input, least: want.least })
      await this.#released(want.request.account, left)
    }
  }

  /** What a payment of this account pays before it buys anything. */
  async owed(account: AccountId): Promise<Msat> {
    return (await this.#ledger.balance(account))?.owed ?? ZERO
  }

  /** Tells those who wait that this account has money back. */
  released(account: AccountId): void {
    const waiting = this.#waiting.get(account)
    this.#waiting.delete(account)
    for (const wake of waiting ?? []) wake()
  }

  /** Ends the request's money with what it came to. Null if the hold was closed before. */
  async settle(hold: Hold, charge: Charge): Promise<Settled | null> {
    const settled = await this.#ledger.settle(hold.id, charge)
    this.released(hold.account)
    return settled.ok ? settled.value : null
  }

  /** Gives the whole hold back. Null if it was closed before. */
  async release(hold: Hold, end: string): Promise<Settled | null> {
    const released = await this.#ledger.release(hold.id, end, this.#world.now())
    this.released(hold.account)
    return released.ok ? released.value : null
  }

  /** Journals what has flowed so far: a crash charges that, no more (threats B5, B6). */
  async journal(hold: Hold, sofar: Msat): Promise<void> {
    const deadline = this.#world.now() + this.#life
    await this.#ledger.extend(hold.id, deadline, least(sofar, hold.amount))
  }

  async #hold(
    want: Want,
    slots: Slots,
    { input, ...how }: Pick<HoldRequest, 'least' | 'patient'> & { readonly input: number },
  ): Promise<Taken> {
    const slot = slots.take()
    if (slot === null) return { ok: false, refused: { why: 'no_slot' }, input }
    const openedAt = this.#world.now()
    const quantities = { ...want.bound, input }
    const most = { ...want.bound, input: want.bound.input + want.template }
    const request: HoldRequest = {
      ...want.request,
      price: ceilingLine(want.rate, quantities, 'output'),
      quantities,
      clamped: 'output',
      worst: { price: ceilingLine(want.rate, most, 'output'), quantities: most },
      ...how,
      most: want.most,
      at: openedAt,
      deadline: openedAt + this.#life,
    }
    let kept = false
    try {
      const held = await this.#ledger.hold(request)
      kept = held.ok
      if (held.ok) return { ok: true, hold: held.value, slot, input }
      return { ok: false, refused: held.error, input }
    } finally {
      if (!kept) slot.letGo()
    }
  }

  /** No slot is free. An account that does not buy one token is told that instead (402 before 503). */
  async #noSlot(want: Want, input: number): Promise<Taken> {
    const account = await this.#ledger.balance(want.request.account)
    if (account === null) return { ok: false, refused: { why: 'account_not_found' }, input }
    const all = account.available + account.held
    const balance = msat(all > account.owed ? all - account.owed : 0n)
    const leastOf = (bound: number) =>
      at(ceilingLine(want.rate, { ...want.bound, input: bound }, 'output'), want.least)
    const estimate = balance < leastOf(input) ? await estimated(want) : input
    const needed = leastOf(estimate)
    if (balance >= needed) return { ok: false, refused: { why: 'no_slot' }, input }
    return { ok: false, refused: { why: 'insufficient_funds', needed, balance }, input: estimate }
  }

  #released(account: AccountId, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(account) ?? new Set()
      this.#waiting.set(account, waiting)
      const wake = (): void => {
        timer.cancel()
        waiting.delete(wake)
        resolve()
      }
      const timer = this.#world.after(ms, wake)
      waiting.add(wake)
    })
  }
}

/** The prompt with a margin, and never more than its bound. */
async function estimated({ bound, inputEstimate, template }: Want): Promise<number> {
  return Math.min(bound.input, Math.ceil((await inputEstimate()) * 1.25)) + template
}
