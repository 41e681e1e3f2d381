import type { World } from '../floor/world.ts'
import type { AccountId, Hold, HoldRefused, HoldRequest, Ledger } from '../ledger/ledger.ts'
import { add, type Msat } from '../money/msat.ts'
import { affordable, ceilingLine, type Rate } from '../money/price.ts'

/** What a request wants set aside. Tokens everywhere. */
export interface Want {
  readonly request: Omit<HoldRequest, 'price' | 'input' | 'least' | 'most' | 'at' | 'deadline'>
  readonly rate: Rate
  /** Never too low: bytes. Held where the account affords it. */
  readonly inputBound: number
  /** Nearer the truth, and dearer to find out: asked for only where the bound is not affordable. */
  readonly inputEstimate: () => Promise<number>
  /** Output over all choices: fewer than `least` is no answer, `most` is what was asked for. */
  readonly least: number
  readonly most: number
}

/** A hold, with the input bound that it was priced at. */
export type Taken =
  | { readonly ok: true; readonly hold: Hold; readonly input: number }
  | { readonly ok: false; readonly refused: HoldRefused; readonly input: number }

/** ms that money held by the account's own running requests is waited for (DESIGN 4.3, 4.7). */
const PATIENCE = 5_000

/**
 * Sets money aside: the whole wish where the account affords it, else what it affords, else a
 * refusal. Clamping goes to the account's balance, not to what happens to be free this moment.
 */
export class Purse {
  readonly #ledger: Ledger
  readonly #world: World
  readonly #life: number
  readonly #waiting = new Map<AccountId, Set<() => void>>()

  /** `life`: ms after which a hold whose stream says nothing counts as lost. */
  constructor(ledger: Ledger, world: World, life: number) {
    this.#ledger = ledger
    this.#world = world
    this.#life = life
  }

  /** Refusals are the ledger's, in its order; `held` only after waiting some 5 s. */
  async take(want: Want, gone: () => boolean): Promise<Taken> {
    const whole = await this.#hold(want, want.inputBound, want.most)
    if (whole.ok) return whole
    const input = Math.min(want.inputBound, Math.ceil((await want.inputEstimate()) * 1.25))
    const until = this.#world.now() + PATIENCE
    for (;;) {
      const least = await this.#target(want, input)
      const tried = await this.#hold(want, input, least)
      if (tried.ok || tried.refused.why !== 'held' || gone()) return this.#last(want, tried)
      const left = until - this.#world.now()
      if (left <= 0) return this.#last(want, tried)
      await this.#released(want.request.account, left)
    }
  }

  /** A hold's deadline from now: it moves with its stream (DESIGN 4.8). */
  deadline(): number {
    return this.#world.now() + this.#life
  }

  /** Tells those who wait that this account has money back. */
  released(account: AccountId): void {
    const waiting = this.#waiting.get(account)
    this.#waiting.delete(account)
    for (const wake of waiting ?? []) wake()
  }

  /** What is free right now is better than nothing, once nothing more can be waited for. */
  async #last(want: Want, tried: Taken): Promise<Taken> {
    return tried.ok ? tried : this.#hold(want, tried.input, want.least)
  }

  /** The output that the whole balance buys, held money included. */
  async #target(want: Want, input: number): Promise<number> {
    const balance = await this.#ledger.balance(want.request.account)
    if (balance === null) return want.least
    const total: Msat = add(balance.available, balance.held)
    const output = affordable(ceilingLine(want.rate, input), total, want.most)
    return Math.max(want.least, output ?? want.least)
  }

  async #hold(want: Want, input: number, least: number): Promise<Taken> {
    const at = this.#world.now()
    const held = await this.#ledger.hold({
      ...want.request,
      price: ceilingLine(want.rate, input),
      input,
      least,
      most: want.most,
      at,
      deadline: at + this.#life,
    })
    return held.ok
      ? { ok: true, hold: held.value, input }
      : { ok: false, refused: held.error, input }
  }

  #released(account: AccountId, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(account) ?? new Set()
      this.#waiting.set(account, waiting)
      const wake = (): void => {
        clearTimeout(timer)
        waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      waiting.add(wake)
    })
  }
}
