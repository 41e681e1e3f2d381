import { type Awaitable, andThen, isPromise } from '../floor/awaitable.ts'
import { Roster } from '../floor/roster.ts'
import type { Held, Settled } from './call.ts'
import type { Forwarded, Forwarder } from './forward.ts'
import type { GiveChange } from './give-change.ts'
import { isWhole } from './outcome.ts'
import { type Refusal, STOPPING } from './refusal.ts'
import type { RequestLog } from './request-log.ts'
import type { Respond } from './respond.ts'
import type { Ending } from './settle.ts'
import type { Translating } from './translating.ts'

export interface DeliveryParts {
  readonly forwarder: Forwarder
  readonly respond: Respond
  readonly change: Pick<GiveChange, 'leftAfter'>
  readonly log: RequestLog
  readonly translating: Pick<Translating, 'again' | 'answered'>
  /** `Gate.settle` and `Gate.refuse`. */
  settle(held: Held, how: Ending): Awaitable<Settled>
  refuse(held: Held, refusal: Refusal): void
}

/** Forwards requests that were let in, settles them, and ends their answers. */
export class Delivery {
  readonly #parts: DeliveryParts
  readonly #running = new Roster<Held>()
  #ended = false
  #allOver: () => void = () => {}

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /** Number of requests whose answers are running. */
  get running(): number {
    return this.#running.size
  }

  /** Ends every answer that still runs. Resolves when the money of each is settled or released. */
  endAll(): Promise<void> {
    this.#ended = true
    this.#parts.forwarder.stop()
    if (this.#running.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#allOver = resolve
    })
  }

  /** Serves one request to its end. Rejects only if the code is wrong. */
  async deliver(held: Held): Promise<void> {
    this.#running.add(held)
    try {
      let sending: Sending
      try {
        sending = held.left ? 'left' : ((await this.#forward(held)) ?? 'stopped')
        if (isAgain(sending)) sending = await this.#again(held, sending)
      } catch (bug) {
        await this.#parts.settle(held, NOT_SENT)
        throw bug
      }
      const over = this.#finish(held, sending)
      if (isPromise(over)) await over
    } finally {
      this.#running.delete(held)
      held.payer?.keeping?.over()
      if (this.#running.size === 0) this.#allOver()
    }
  }

  /** The backend lacks the API of a request: it is sent once more, as its translation. */
  async #again(held: Held, first: Forwarded): Promise<Sending> {
    const { route } = held
    const again = await this.#parts.translating.again(held, first)
    if (!again.ok) return again.error
    if (held.left) return 'left'
    const second = await this.#forward(again.value)
    if (second !== null && answered(second)) this.#parts.translating.answered(route)
    return second ?? 'stopped'
  }

  /**
   * Sends the request. The result is null if the request waited for money while the gate stopped,
   * because nobody would end its answer any more. If a bug throws, the caller gives hold and slot
   * back.
   */
  #forward(held: Held): Awaitable<Forwarded | null> {
    const { forwarder, respond } = this.#parts
    return andThen(respond.balance(held, held.hold?.before ?? null), (before) =>
      this.#ended ? null : forwarder.run(held, before),
    )
  }

  /** Settles the money, and only then ends the answer, because its end tells the cost. */
  #finish(held: Held, sending: Sending): Awaitable<void> {
    const { log, refuse, settle } = this.#parts
    if (sending === 'stopped') {
      return andThen(settle(held, NOT_SENT), () => refuse(held, STOPPING))
    }
    // The buyer left before anything was sent.
    if (sending === 'left') {
      return andThen(settle(held, LEFT), (settled) => log.left(settled))
    }
    // What was held is released already.
    if (!('relayed' in sending)) return refuse(held, sending)
    return andThen(settle(held, sending.ending), (settled) => this.#end(settled, sending))
  }

  #end(settled: Settled, forwarded: Forwarded): Awaitable<void> {
    const { change, forwarder, log, respond } = this.#parts
    forwarder.learn(settled, forwarded)
    return andThen(change.leftAfter(settled, forwarded), (after) =>
      andThen(respond.balance(settled, after), (balance) => {
        if (isWhole(settled.cost.end)) settled.payer?.keeping?.endsWell()
        const status = respond.end(settled, forwarded, balance)
        const { relayed, ttft } = forwarded
        log.ended(settled, { status, ttft, detail: relayed.detail })
      }),
    )
  }
}

/**
 * What came of sending a request. `left`: the buyer left before. `stopped`: the gate stopped before. A
 * refusal: its translation was refused.
 */
type Sending = Forwarded | Refusal | 'left' | 'stopped'

const NOT_SENT: Ending = { sent: false, end: 'stopped' }
const LEFT: Ending = { sent: false, end: 'client_left' }

const isAgain = (sending: Sending): sending is Forwarded =>
  typeof sending === 'object' && 'again' in sending && sending.again

const answered = ({ meter, relayed }: Forwarded): boolean =>
  meter.seen.output || isWhole(relayed.end)
