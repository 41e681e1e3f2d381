import { backOff } from '../../floor/back-off.ts'
import type { World } from '../../floor/world.ts'

/**
 * The purposes of calls to a mint, the least important first. `poll`: whether an invoice was paid,
 * in a regular round or for an open page. `offer`: an invoice for a stranger. `shared`: an invoice
 * that all strangers are shown. `top_up`: an invoice for a buyer with a pass. `paid`: for those who
 * present a payment, and for taking coins.
 */
export type Call = 'poll' | 'offer' | 'shared' | 'top_up' | 'paid'

/**
 * Calls to a mint in a minute. Public mints allow some 20 (the default of Nutshell), and each
 * refused call makes the refusal longer.
 */
const MOST = 17
/**
 * The calls that each purpose has for itself. The rest goes to those who come first. What a purpose
 * does not use is available to the purposes after it, never to those before it. So strangers cannot
 * use up the calls of buyers who paid (threats I10, J5).
 */
const KEPT: Readonly<Record<Call, number>> = { poll: 3, offer: 3, shared: 2, top_up: 2, paid: 4 }
const KINDS: readonly Call[] = ['poll', 'offer', 'shared', 'top_up', 'paid']
/** The purposes of strangers do not take calls from each other either. */
const OF_STRANGERS: readonly Call[] = ['poll', 'offer', 'shared']
const WINDOW = 60_000
/**
 * Polls are spread over the minute, with at most two at once, so that a payment in its second half
 * is seen too.
 */
const POLLS_AT_ONCE = 2
const POLL_PACE = 10_000
/** So many ms nothing is sent after a 429 that names no time. It grows up to the second value. */
const SILENCE = 65_000
const LONGEST_SILENCE = 15 * 60_000

/**
 * How often one mint may be called. A mint on this machine is called freely until it answers 429.
 */
export class MintRateLimit {
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

  /** How many invoices strangers surely get in a minute. Null if there is no limit. */
  get strangersAMinute(): number | null {
    return this.#limited ? KEPT.offer : null
  }

  /**
   * Takes a call and returns 0, or returns the ms to wait before the next try. `calls`: so many that
   * may become necessary together.
   */
  take(call: Call, calls = 1): number {
    const wait = this.wait(call, calls)
    if (wait === 0) for (let count = 0; count < calls; count += 1) this.#made(call)
    return wait
  }

  #made(call: Call): void {
    if (this.#limited) this.#calls.push({ at: this.#world.now(), call })
  }

  /** A call that was taken was not needed. */
  giveBack(call: Call): void {
    const at = this.#calls.findLastIndex((made) => made.call === call)
    if (at >= 0) this.#calls.splice(at, 1)
  }

  /** The ms until so many such calls may be made. 0 means now. */
  wait(call: Call, calls = 1): number {
    const now = this.#world.now()
    if (now < this.#silentUntil) return this.#silentUntil - now
    if (!this.#limited) return 0
    this.#calls = this.#calls.filter(({ at }) => at > now - WINDOW)
    const pace = call === 'poll' ? this.#pace(now) : 0
    if (pace > 0) return pace
    if (this.#calls.length + this.#keptFrom(call) + calls <= MOST) return 0
    const own = this.#calls.filter((made) => made.call === call)
    const [oldest] = own.length >= KEPT[call] ? own : this.#calls
    return oldest === undefined ? 0 : Math.max(1, oldest.at + WINDOW - now)
  }

  /** The number of calls that must stay free for other purposes. */
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

  /**
   * Called after a 429. Nothing is sent for longer than the window of the mint, each time for
   * longer.
   */
  refused(retryAfterMs: number | null): void {
    this.#limited = true
    const silence = backOff(SILENCE, this.#refusals, LONGEST_SILENCE)
    this.#silentUntil = this.#world.now() + Math.max(silence, retryAfterMs ?? 0)
    this.#refusals += 1
  }

  /** Called after any other answer. */
  answered(): void {
    this.#refusals = 0
  }
}
