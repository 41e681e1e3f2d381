import type { World } from '../floor/world.ts'
import type { AccountId, Hold, HoldRefused, HoldRequest, Ledger } from '../ledger/ledger.ts'
import { type Msat, ZERO } from '../money/msat.ts'
import { ceilingLine, type Rate } from '../money/price.ts'

/** What a request wants set aside. Tokens everywhere. */
export interface Want {
  readonly request: Pick<HoldRequest, 'id' | 'account' | 'limits' | 'what'>
  readonly rate: Rate
  /** Never too low: bytes. Held where the account affords it. */
  readonly inputBound: number
  /** What the model's template was seen to add to that: held beside it, and judged by limits (J4). */
  readonly template: number
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

/** ms that money held by the account's own running requests is waited for. */
const PATIENCE = 5_000

/**
 * Sets money aside: the whole wish where the account affords it, else what it affords, else a
 * refusal. Clamping goes to what the account and its pass have, not to what happens to be free this
 * moment: what their own running requests hold is waited for.
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
    const { inputBound, template } = want
    const whole = await this.#hold(want, inputBound + template, { least: want.most })
    if (whole.ok) return whole
    const estimate = Math.ceil((await want.inputEstimate()) * 1.25)
    const input = Math.min(inputBound, estimate) + template
    const until = this.#world.now() + PATIENCE
    for (;;) {
      const tried = await this.#hold(want, input, { least: want.least, patient: true })
      if (tried.ok || tried.refused.why !== 'held') return tried
      const left = until - this.#world.now()
      // What is free right now is better than nothing, once nothing more can be waited for.
      if (gone() || left <= 0) return this.#hold(want, input, { least: want.least })
      await this.#released(want.request.account, left)
    }
  }

  /** What a payment of this account pays before it buys anything. */
  async owed(account: AccountId): Promise<Msat> {
    return (await this.#ledger.balance(account))?.owed ?? ZERO
  }

  /** A hold's deadline from now: it moves with its stream. */
  deadline(): number {
    return this.#world.now() + this.#life
  }

  /** Tells those who wait that this account has money back. */
  released(account: AccountId): void {
    const waiting = this.#waiting.get(account)
    this.#waiting.delete(account)
    for (const wake of waiting ?? []) wake()
  }

  async #hold(
    want: Want,
    input: number,
    how: Pick<HoldRequest, 'least' | 'patient'>,
  ): Promise<Taken> {
    const at = this.#world.now()
    const worst = want.inputBound + want.template
    const held = await this.#ledger.hold({
      ...want.request,
      price: ceilingLine(want.rate, { input }, 'output'),
      worst: { price: ceilingLine(want.rate, { input: worst }, 'output'), input: worst },
      input,
      ...how,
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
        timer.cancel()
        waiting.delete(wake)
        resolve()
      }
      const timer = this.#world.after(ms, wake)
      waiting.add(wake)
    })
  }
}
