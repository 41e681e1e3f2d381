import { backOff } from '../../floor/back-off.ts'
import type { World } from '../../floor/world.ts'

/**
 * `offer`: an invoice for a stranger. `top_up`: one for a buyer with a pass. `look_up`: whether one was
 * paid, and taking its coins.
 */
export type Call = 'offer' | 'top_up' | 'look_up'

/**
 * Public mints bear some 20 calls a minute (Nutshell's default), and every refused one prolongs the
 * refusal. Of those under the limit strangers get the least, so that they cannot starve who has paid
 * (threats I10): the first figure is for strangers, the second for them and buyers, the third for all.
 */
const SHARES: Readonly<Record<Call, number>> = { offer: 6, top_up: 11, look_up: 16 }
const WINDOW = 60_000
/** ms of silence after a 429 that does not say how long, and what it grows to. */
const SILENCE = 65_000
const LONGEST_SILENCE = 15 * 60_000

/** How often one mint may be asked. A mint on this machine may be, until it says otherwise. */
export class Budget {
  readonly #world: Pick<World, 'now'>
  #limited: boolean
  #calls: { readonly at: number; readonly rank: number }[] = []
  #silentUntil = 0
  #refusals = 0

  constructor(world: Pick<World, 'now'>, limited: boolean) {
    this.#world = world
    this.#limited = limited
  }

  get limited(): boolean {
    return this.#limited
  }

  /** Takes a call: 0, or the ms after which to try again. */
  take(call: Call): number {
    const wait = this.wait(call)
    if (wait === 0 && this.#limited) {
      this.#calls.push({ at: this.#world.now(), rank: RANKS.indexOf(call) })
    }
    return wait
  }

  /** The ms after which such a call may be made; 0: now. */
  wait(call: Call): number {
    const now = this.#world.now()
    if (now < this.#silentUntil) return this.#silentUntil - now
    if (!this.#limited) return 0
    this.#calls = this.#calls.filter(({ at }) => at > now - WINDOW)
    // A share is what this kind and the ones before it may use together.
    const rank = RANKS.indexOf(call)
    const used = this.#calls.filter((other) => other.rank <= rank)
    const full = used.length >= SHARES[call] || this.#calls.length >= SHARES.look_up
    if (!full) return 0
    const oldest = used.length >= SHARES[call] ? used[0] : this.#calls[0]
    return oldest === undefined ? 0 : Math.max(1, oldest.at + WINDOW - now)
  }

  /** The mint said 429: nothing is asked for longer than its window, each time for longer. */
  refused(retryAfterMs: number | null): void {
    this.#limited = true
    const silence = backOff(SILENCE, this.#refusals, LONGEST_SILENCE)
    this.#silentUntil = this.#world.now() + Math.max(silence, retryAfterMs ?? 0)
    this.#refusals += 1
  }

  /** It answered. */
  answered(): void {
    this.#refusals = 0
  }
}

const RANKS: readonly Call[] = ['offer', 'top_up', 'look_up']
