import type { Bound } from '../dialects/dialect.ts'
import { type Awaitable, andThen, isPromise } from '../floor/awaitable.ts'
import type { Result } from '../floor/result.ts'
import { Sweep, type Swept } from '../floor/sweep.ts'
import type { World } from '../floor/world.ts'
import type {
  AccountId,
  Charge,
  Closed,
  Hold,
  HoldRefused,
  HoldRequest,
  Ledger,
  Settled,
  UsdTerms,
} from '../ledger/ledger.ts'
import { least, type Msat, msat, ZERO } from '../money/msat.ts'
import { at, ceilingPrice, type Rate } from '../money/price.ts'
import { type MicroUsd, msatOf, NO_USD } from '../money/usd.ts'
import type { DollarTerms } from './dollars.ts'
import type { Slot, Targets } from './targets.ts'

/** What a request wants to hold. */
export interface Want {
  readonly request: Pick<HoldRequest, 'id' | 'account' | 'limits' | 'what'>
  readonly rate: Rate
  /** How dollars may pay for it. Null: they do not. */
  readonly dollars: DollarTerms | null
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
   * Refuses with the reasons of the ledger, in its order; it refuses as `held` only after about 5 s
   * of waiting. Answers at once if the account can pay for the whole wish.
   */
  take(want: Want, slots: Slots, gone: () => boolean): Awaitable<Taken> {
    const input = want.bound.input + want.template
    return andThen(this.#hold(want, slots, { input, least: want.most }), (whole) =>
      whole.ok ? whole : this.#takeLess(want, { slots, gone, refused: whole }),
    )
  }

  /** The account cannot pay for the whole wish at its bound, or no slot is free. */
  async #takeLess(
    want: Want,
    { slots, gone, refused }: { slots: Slots; gone: () => boolean; refused: NotTaken },
  ): Promise<Taken> {
    if (refused.refused.why === 'no_slot') return this.#noSlot(want, refused.input)
    const input = await estimated(want)
    const until = this.#world.elapsed() + MONEY_WAIT
    for (;;) {
      // It waits before it tries, so that it is also woken by what is released meanwhile.
      const waiting = new Waiting(want.request.account, until, this.#waiting)
      try {
        const tried = await this.#hold(want, slots, { input, least: want.least, patient: true })
        if (!tried.ok && tried.refused.why === 'no_slot') return this.#noSlot(want, input)
        if (tried.ok || tried.refused.why !== 'held') return tried
        // The wait is over, so take what is free now, even if it is less.
        if (gone() || this.#world.elapsed() >= until) {
          return this.#hold(want, slots, { input, least: want.least })
        }
        await waiting.over
      } finally {
        this.#waiting.delete(waiting)
      }
    }
  }

  /** Dollars of the account that are not spent. */
  dollars(account: AccountId): Awaitable<MicroUsd> {
    return andThen(this.#ledger.balance(account), (balance) => balance?.usd ?? NO_USD)
  }

  /** Msat that the account owes. Its next payment pays this before it buys anything. */
  owed(account: AccountId): Awaitable<Msat> {
    return andThen(this.#ledger.balance(account), (balance) => balance?.owed ?? ZERO)
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
  settle(hold: Hold, charge: Charge): Awaitable<Settled | null> {
    return andThen(this.#ledger.settle(hold.id, charge), (settled) => this.#closed(hold, settled))
  }

  /** Releases the whole hold. Null if it was closed before. */
  release(hold: Hold, end: string): Awaitable<Settled | null> {
    const released = this.#ledger.release(hold.id, end, this.#world.now())
    return andThen(released, (settled) => this.#closed(hold, settled))
  }

  /**
   * Journals what has flowed so far, in msat. After a crash this is charged, and no more (threats
   * B5, B6).
   */
  journal(hold: Hold, sofar: Msat): Awaitable<void> {
    const deadline = this.#world.now() + this.#life
    return andThen(this.#ledger.extend(hold.id, deadline, least(sofar, hold.amount)), () => {})
  }

  #closed({ account }: Hold, settled: Result<Settled, Closed>): Settled | null {
    this.released(account)
    return settled.ok ? settled.value : null
  }

  #hold(want: Want, slots: Slots, how: How): Awaitable<Taken> {
    const slot = slots.take()
    const { input } = how
    if (slot === null) return { ok: false, refused: { why: 'no_slot' }, input }
    const taken = (held: Result<Hold, HoldRefused>): Taken => {
      if (held.ok) return { ok: true, hold: held.value, slot, input }
      slot.letGo()
      return { ok: false, refused: held.error, input }
    }
    const failed = (bug: unknown): never => {
      slot.letGo()
      throw bug
    }
    try {
      const held = this.#ledger.hold(this.#request(want, how))
      return isPromise(held) ? held.then(taken, failed) : taken(held)
    } catch (bug) {
      return failed(bug)
    }
  }

  #request(want: Want, { input, least, patient }: How): HoldRequest {
    const { bound, dollars, most, rate, request } = want
    const at = this.#world.now()
    const quantities = withInput(bound, input)
    return {
      id: request.id,
      account: request.account,
      limits: request.limits,
      usd: dollars === null ? undefined : termsOf(dollars, quantities),
      what: request.what,
      price: ceilingPrice(rate, quantities, 'output'),
      quantities,
      clamped: 'output',
      // Only limits are checked against it.
      worst: request.limits.length === 0 ? undefined : worstOf(want),
      least,
      most,
      patient,
      at,
      deadline: at + this.#life,
    }
  }

  /**
   * No slot is free. If the account cannot pay for the shortest answer, it is told that instead: a
   * 402 goes before a 503.
   */
  async #noSlot(want: Want, input: number): Promise<Taken> {
    const account = await this.#ledger.balance(want.request.account)
    if (account === null) return { ok: false, refused: { why: 'account_not_found' }, input }
    const { dollars } = want
    const bought = dollars === null ? ZERO : msatOf(account.usd, dollars.rate)
    const all = account.available + account.held + bought
    const balance = msat(all > account.owed ? all - account.owed : 0n)
    const leastOf = (bound: number) =>
      at(ceilingPrice(want.rate, { ...want.bound, input: bound }, 'output'), want.least)
    const estimate = balance < leastOf(input) ? await estimated(want) : input
    const needed = leastOf(estimate)
    if (balance >= needed) return { ok: false, refused: { why: 'no_slot' }, input }
    return { ok: false, refused: { why: 'insufficient_funds', needed, balance }, input: estimate }
  }
}

/** A request that waits for money of its account, until a moment that may be noticed 250 ms late. */
class Waiting implements Swept {
  seat = -1
  readonly account: AccountId
  readonly due: number
  readonly over: Promise<void>
  readonly #goOn: () => void

  constructor(account: AccountId, due: number, among: Sweep<Waiting>) {
    this.account = account
    this.due = due
    const { promise, resolve } = Promise.withResolvers<void>()
    this.over = promise
    this.#goOn = resolve
    among.add(this)
  }

  /** The moment has come, or money was released. May be called more than once. */
  onDue(): void {
    this.#goOn()
  }
}

type How = Pick<HoldRequest, 'least' | 'patient'> & { readonly input: number }
type NotTaken = Extract<Taken, { readonly ok: false }>

/** The same bound with another input. It is not copied if it has that input already. */
const withInput = (bound: Bound, input: number): Bound =>
  bound.input === input ? bound : { ...bound, input }

const termsOf = ({ price, rate }: DollarTerms, quantities: Bound): UsdTerms => ({
  rate,
  price: price === null ? null : ceilingPrice(price, quantities, 'output'),
})

function worstOf({ bound, rate, template }: Want): NonNullable<HoldRequest['worst']> {
  const quantities = withInput(bound, bound.input + template)
  return { price: ceilingPrice(rate, quantities, 'output'), quantities }
}

/** Tokens of the prompt with a margin, at most its bound, plus those of the template. */
async function estimated({ bound, inputEstimate, template }: Want): Promise<number> {
  return Math.min(bound.input, Math.ceil((await inputEstimate()) * 1.25)) + template
}
