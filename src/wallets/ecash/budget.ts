import { backOff } from '../../floor/back-off.ts'
import type { World } from '../../floor/world.ts'

/**
 * What a mint is asked for, the least important first. `poll`: whether an invoice was paid, in a round
 * or for an open page. `offer`: an invoice for a stranger. `shared`: one that is shown to all of them.
 * `top_up`: one for a buyer with a pass. `paid`: for who shows that an invoice was paid, and for coins.
 */
export type Call = 'poll' | 'offer' | 'shared' | 'top_up' | 'paid'

/**
 * Public mints bear some 20 calls a minute (Nutshell's default), and every refused one prolongs the
 * refusal: these are all that are made.
 */
const MOST = 17
/**
 * Of these so many are for one kind alone. What is left over goes to who comes first; what a kind does
 * not use is there for those after it, never for those before: strangers cannot starve who has paid
 * (threats I10, J5).
 */
const KEPT: Readonly<Record<Call, number>> = { poll: 3, offer: 3, shared: 2, top_up: 2, paid: 4 }
const KINDS: readonly Call[] = ['poll', 'offer', 'shared', 'top_up', 'paid']
/** Those of strangers do not take from each other either. */
const OF_STRANGERS: readonly Call[] = ['poll', 'offer', 'shared']
const WINDOW = 60_000
/** Polls come evenly, two at once at most: a payment in the second half of a minute is seen too. */
const POLLS_AT_ONCE = 2
const POLL_PACE = 10_000
/** ms of silence after a 429 that does not say how long, and what it grows to. */
const SILENCE = 65_000
const LONGEST_SILENCE = 15 * 60_000

/** How often one mint may be asked. A mint on this machine may be, until it says otherwise. */
export class Budget {
  readonly #world: Pick<World, 'now'>
  #limited: boolean
  #calls: { readonly at: number; readonly call: Call }[] = []
  #silentUntil = 0
  #refusals = 0

  constructor(world: Pick<World, 'now'>, limited: boolean) {
    this.#world = world
    this.#limited = limited
  }

  get limited(): boolean {
    return this.#limited
  }

  /** Invoices that strangers are sure to get in a minute; null: as many as they ask for. */
  get strangersAMinute(): number | null {
    return this.#limited ? KEPT.offer : null
  }

  /** Takes a call: 0, or the ms after which to try again. */
  take(call: Call): number {
    const wait = this.wait(call)
    if (wait === 0 && this.#limited) this.#calls.push({ at: this.#world.now(), call })
    return wait
  }

  /** The ms after which such a call may be made; 0: now. */
  wait(call: Call): number {
    const now = this.#world.now()
    if (now < this.#silentUntil) return this.#silentUntil - now
    if (!this.#limited) return 0
    this.#calls = this.#calls.filter(({ at }) => at > now - WINDOW)
    const pace = call === 'poll' ? this.#pace(now) : 0
    if (pace > 0) return pace
    if (this.#calls.length + this.#keptFrom(call) < MOST) return 0
    const own = this.#calls.filter((made) => made.call === call)
    const [oldest] = own.length >= KEPT[call] ? own : this.#calls
    return oldest === undefined ? 0 : Math.max(1, oldest.at + WINDOW - now)
  }

  /** Calls that others are to find free. */
  #keptFrom(call: Call): number {
    const rank = KINDS.indexOf(call)
    const others = KINDS.filter(
      (other, at) =>
        other !== call &&
        (at > rank || (OF_STRANGERS.includes(call) && OF_STRANGERS.includes(other))),
    )
    return others.reduce((sum, other) => {
      const used = this.#calls.filter((made) => made.call === other).length
      return sum + Math.max(0, KEPT[other] - used)
    }, 0)
  }

  #pace(now: number): number {
    const polls = this.#calls.filter(({ call }) => call === 'poll')
    const first = polls.at(-POLLS_AT_ONCE)
    return first === undefined ? 0 : Math.max(0, first.at + POLLS_AT_ONCE * POLL_PACE - now)
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
