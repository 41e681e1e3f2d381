import type { Bound } from '../dialects/dialect.ts'
import { Sweep, type Swept } from '../floor/sweep.ts'
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
import { at, ceilingPrice, type Rate } from '../money/price.ts'
import type { Slot, Targets } from './targets.ts'

/** What a request wants to hold. */
export interface Want {
  readonly request: Pick<HoldRequest, 'id' | 'account' | 'limits' | 'what'>
  readonly rate: Rate
  /**
   * The most of every quantity except the output. The input, in bytes, is held in full if the
   * account can pay for it.
   */
  readonly bound: Bound
  /**
   * Tokens that the model's template was seen to add to that bound. They are held too, and limits
   * include them (J4).
   */
  readonly template: number
  /**
   * Tokens of the input. Counting is slow, so this is called only if the account cannot pay for the
   * bound.
   */
  readonly inputEstimate: () => Promise<number>
  /**
   * Output tokens of all choices together: the hold must cover `least`, and covers at most `most`.
   */
  readonly least: number
  readonly most: number
}

/**
 * A hold and a slot, with the input bound that the hold was priced at. `no_slot` means that all
 * slots are taken.
 */
export type Taken =
  | { readonly ok: true; readonly hold: Hold; readonly slot: Slot; readonly input: number }
  | { readonly ok: false; readonly refused: NotHeld; readonly input: number }

export type NotHeld = HoldRefused | { readonly why: 'no_slot' }

type Slots = Pick<Targets, 'take'>

/** The part of a ledger that `Holds` uses. */
export type HoldLedger = Pick<Ledger, 'hold' | 'extend' | 'settle' | 'release' | 'balance'>

/** ms that a request waits for money that other requests of its account hold. */
const MONEY_WAIT = 5_000

/**
 * Holds money for a request: the whole wish if the account can pay for it, otherwise what it can
 * pay for. Refuses if that is too little. A smaller hold is made only if the account or its pass
 * has too little in all. If other requests of the account hold the missing money, the request waits
 * for them.
 *
 * A slot at a backend is taken before the money, and given back if the money is not held at once.
 * So no request occupies a slot while it waits, and nearly empty passes cannot block others.
 */
export class Holds {
  readonly #ledger: HoldLedger
  readonly #world: World
  readonly #life: number
  readonly #waiting: Sweep<Waiting>

  /** `life`: ms without news from its stream after which a hold counts as lost. */
  constructor(ledger: HoldLedger, world: World, life: number) {
    this.#ledger = ledger
    this.#world = world
    this.#life = life
    this.#waiting = new Sweep(world)
  }

  /**
   * Refuses with the reasons of the ledger, in its order. `held` is returned only after about 5 s
   * of waiting.
   */
  async take(want: Want, slots: Slots, gone: () => boolean): Promise<Taken> {
    const bound = want.bound.input + want.template
    const whole = await this.#hold(want, slots, { input: bound, least: want.most })
    if (whole.ok) return whole
    if (whole.refused.why === 'no_slot') return this.#noSlot(want, bound)
    const input = await estimated(want)
    const until = this.#world.elapsed() + MONEY_WAIT
    for (;;) {
      const tried = await this.#hold(want, slots, { input, least: want.least, patient: true })
      if (!tried.ok && tried.refused.why === 'no_slot') return this.#noSlot(want, input)
      if (tried.ok || tried.refused.why !== 'held') return tried
      // The wait is over, so take what is free now, even if it is less.
      if (gone() || this.#world.elapsed() >= until) {
        return this.#hold(want, slots, { input, least: want.least })
      }
      await this.#released(want.request.account, until)
    }
  }

  /** Msat that the account owes. Its next payment pays this before it buys anything. */
  async owed(account: AccountId): Promise<Msat> {
    return (await this.#ledger.balance(account))?.owed ?? ZERO
  }

  /** Wakes the requests that wait for money of this account; the one that came first tries first. */
  released(account: AccountId): void {
    if (this.#waiting.size === 0) return
    const woken: Waiting[] = []
    this.#waiting.each((one) => {
      if (one.account === account) woken.push(one)
    })
    woken.sort((a, b) => a.due - b.due)
    for (const one of woken) one.onDue()
  }

  /** Settles a hold with a charge. Null if the hold was closed before. */
  async settle(hold: Hold, charge: Charge): Promise<Settled | null> {
    const settled = await this.#ledger.settle(hold.id, charge)
    this.released(hold.account)
    return settled.ok ? settled.value : null
  }

  /** Releases the whole hold. Null if it was closed before. */
  async release(hold: Hold, end: string): Promise<Settled | null> {
    const released = await this.#ledger.release(hold.id, end, this.#world.now())
    this.released(hold.account)
    return released.ok ? released.value : null
  }

  /**
   * Journals what has flowed so far, in msat. After a crash this is charged, and no more (threats
   * B5, B6).
   */
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
      price: ceilingPrice(want.rate, quantities, 'output'),
      quantities,
      clamped: 'output',
      worst: { price: ceilingPrice(want.rate, most, 'output'), quantities: most },
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

  /**
   * No slot is free. If the account cannot pay for the shortest answer, it is told that instead: a
   * 402 goes before a 503.
   */
  async #noSlot(want: Want, input: number): Promise<Taken> {
    const account = await this.#ledger.balance(want.request.account)
    if (account === null) return { ok: false, refused: { why: 'account_not_found' }, input }
    const all = account.available + account.held
    const balance = msat(all > account.owed ? all - account.owed : 0n)
    const leastOf = (bound: number) =>
      at(ceilingPrice(want.rate, { ...want.bound, input: bound }, 'output'), want.least)
    const estimate = balance < leastOf(input) ? await estimated(want) : input
    const needed = leastOf(estimate)
    if (balance >= needed) return { ok: false, refused: { why: 'no_slot' }, input }
    return { ok: false, refused: { why: 'insufficient_funds', needed, balance }, input: estimate }
  }

  /** Resolves when money of the account was released, or at `until`, at most 250 ms late. */
  #released(account: AccountId, until: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(new Waiting(account, until, this.#waiting, resolve))
    })
  }
}

/** A request that waits for money. */
class Waiting implements Swept {
  seat = -1
  readonly account: AccountId
  readonly due: number
  readonly #among: Sweep<Waiting>
  readonly #goOn: () => void

  constructor(account: AccountId, due: number, among: Sweep<Waiting>, goOn: () => void) {
    this.account = account
    this.due = due
    this.#among = among
    this.#goOn = goOn
  }

  onDue(): void {
    this.#among.delete(this)
    this.#goOn()
  }
}

/** Tokens of the prompt with a margin, at most its bound, plus those of the template. */
async function estimated({ bound, inputEstimate, template }: Want): Promise<number> {
  return Math.min(bound.input, Math.ceil((await inputEstimate()) * 1.25)) + template
}
